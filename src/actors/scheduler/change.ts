import { limits } from '../../protocol/limits.ts';
import type { Spec } from '../../protocol/model.ts';
import type { Millis } from '../../runtime/ports.ts';
import { free } from './free.ts';
import { landOfNews } from './land.ts';
import { headOf, rankOf } from './order.ts';
import { begun } from './pass.ts';
import { type Otherwise, type Question, wouldStart } from './question.ts';
import { isAsked } from './want.ts';

/** One thing that would have to be otherwise for a job to start. */
export type Change = {
  /** How much is given up; see `sizes`. */
  readonly size: number;
  readonly does: 'ask' | 'hold' | 'cancel';
  /** What its script would say, or no longer; of another job nothing. */
  readonly directive: string;
  readonly value: string;
  /** The other job, or ''. */
  readonly job: string;
  readonly otherwise: Otherwise;
};

/**
 * How large a change is that makes no amount smaller; of one that does it is the part of the amount
 * that is given up. What costs money, or somebody's work, is larger than what does not.
 */
const sizes = {
  queue: 0.1,
  /** Without `relocatable`: on nodes that are there. */
  here: 0.15,
  gpuKind: 0.2,
  constraint: 0.3,
  exclusive: 0.3,
  flavor: 0.3,
  priority: 0.4,
  gang: 0.5,
  port: 0.5,
  /** A time, where it has none. */
  time: 0.5,
  hold: 0.6,
  relocatable: 0.7,
  budget: 0.8,
  cancel: 0.9,
} as const;

/**
 * The smallest of the changes that would start a job in the next pass: each is tried, the smallest
 * first, by such a pass. It gives way before each, and says nothing where none of them helps.
 */
export function* smallest(question: Question): Generator<undefined, Change | undefined> {
  const { state, job } = question;
  if (state.resting.has(job.id)) return undefined;
  for (const change of candidates(question).slice(0, limits.changesMax)) {
    yield;
    if (wouldStart(question, change.otherwise)) return change;
  }
  return undefined;
}

/** All that is tried, the smallest first. */
const candidates = (question: Question): readonly Change[] =>
  [...ofAmounts(question), ...ofWishes(question), ...ofTime(question), ...ofOthers(question)].sort(
    (a, b) => a.size - b.size,
  );

const ask = (
  size: number,
  [directive, value]: readonly [string, string | number],
  spec: Spec,
): Change => ({ size, does: 'ask', directive, value: String(value), job: '', otherwise: { spec } });

/** Less of something on each node, or fewer nodes. */
function ofAmounts(question: Question): readonly Change[] {
  const { spec } = question.job;
  const { cpus, memoryBytes, gpus, gpuKind = '', nodes, countables = {} } = spec;
  const less = (
    from: number,
    known: readonly number[],
    make: (to: number) => readonly [readonly [string, string | number], Spec],
  ): readonly Change[] => levels(from, known).map((to) => ask((from - to) / from, ...make(to)));
  const there = openSpots(question);
  const kind = gpuKind === '' ? '' : `${gpuKind}:`;
  return [
    ...less(
      cpus,
      there.map(({ free: { cpus: left } }) => left),
      (to) => [['cpus', to], { ...spec, cpus: to }],
    ).filter(({ value }) => value !== '0'),
    ...less(
      memoryBytes / MIB,
      there.map(({ free: { memoryBytes: left } }) => Math.floor(left / MIB)),
      (to) => [['memory', `${to}M`], { ...spec, memoryBytes: to * MIB }],
    ).filter(({ value }) => value !== '0M'),
    ...less(
      gpus,
      there.map(({ free: { gpus: left } }) => left),
      (to) => [['gpus', to === 0 ? 0 : `${kind}${to}`], { ...spec, gpus: to }],
    ),
    ...less(nodes, [], (to) => [['nodes', to], { ...spec, nodes: to }]).filter(
      ({ value }) => value !== '0',
    ),
    ...Object.entries(countables).flatMap(([name, count]) =>
      less(
        count,
        there.map(({ free: { named = {} } }) => named[name] ?? 0),
        (to) => [[`resource ${name}`, to], { ...spec, countables: { ...countables, [name]: to } }],
      ).filter(({ value }) => value !== '0'),
    ),
  ];
}

const MIB = 2 ** 20;

const openSpots = ({ state }: Question) =>
  [...state.clusters.values()]
    .filter(({ open }) => open)
    .flatMap((news) => landOfNews(news, state.passed.get(news.cluster)).spots)
    .filter(({ up }) => up);

/** Smaller values to try: what is free somewhere, and parts; of few all. */
function levels(from: number, known: readonly number[]): readonly number[] {
  const few = from <= limits.levelsMax;
  const parts = Array.from({ length: limits.levelsMax }, (_, i) =>
    few ? from - 1 - i : Math.floor((from * (limits.levelsMax - 1 - i)) / limits.levelsMax),
  );
  const below = (all: readonly number[]): readonly number[] =>
    [...new Set(all)].filter((to) => to >= 0 && to < from).sort((a, b) => b - a);
  return below([...below(known).slice(0, limits.levelsMax), ...parts]);
}

/** Something that it does not insist on any longer, or that it puts up with. */
function ofWishes(question: Question): readonly Change[] {
  const { state, job } = question;
  const { spec } = job;
  const { constraint = [], gpuKind = '', budget = 0 } = spec;
  const queues = ['', ...Object.keys(state.policy.queues)].filter((name) => name !== spec.queue);
  return [
    ...queues.map((queue) => ask(sizes.queue, ['queue', queue], { ...spec, queue })),
    ...(gpuKind === '' ? [] : [ask(sizes.gpuKind, ['gpus', spec.gpus], { ...spec, gpuKind: '' })]),
    ...constraint.map((label) => {
      const left = constraint.filter((each) => each !== label);
      return ask(sizes.constraint, ['constraint', left.join(' ')], { ...spec, constraint: left });
    }),
    ...(spec.exclusive
      ? [ask(sizes.exclusive, ['exclusive', ''], { ...spec, exclusive: false })]
      : []),
    ...(spec.flavor === '' ? [] : [ask(sizes.flavor, ['flavor', ''], { ...spec, flavor: '' })]),
    ...(spec.gang === ''
      ? []
      : [ask(sizes.gang, ['gang', ''], { ...spec, gang: '', gangSize: 0 })]),
    ...(spec.ports.length === 0 ? [] : [ask(sizes.port, ['ports', ''], { ...spec, ports: [] })]),
    ...(spec.relocatable
      ? [ask(sizes.here, ['relocatable', ''], { ...spec, relocatable: false })]
      : []),
    ...(isAsked(spec) || state.sites.size === 0
      ? []
      : [ask(sizes.relocatable, ['relocatable', 'yes'], { ...spec, relocatable: true })]),
    ...(budget === 0 ? [] : [ask(sizes.budget, ['budget', 0], { ...spec, budget: 0 })]),
    ...ofPriority(question),
  ];
}

/** As urgent as it takes to go before others: before as few of them as help. */
function ofPriority({ state, job, now }: Question): readonly Change[] {
  const { spec } = job;
  const pass = begun(free(state), now);
  const own = rankOf(job, pass);
  const ranks = [...state.lines.values()].map((line) => rankOf(headOf(line), pass));
  const above = [...new Set(ranks.filter((rank) => rank >= own))].sort((a, b) => a - b);
  const steps = above.map((rank) => spec.priority + Math.floor(rank - own) + 1);
  return [...new Set([...steps.slice(0, limits.levelsMax), ...steps.slice(-1)])]
    .filter((priority) => priority <= limits.priorityMax)
    .map((priority, i) => {
      const size = sizes.priority + i / 1_000;
      return ask(size, ['priority', priority], { ...spec, priority });
    });
}

/** A time that ends before something that it would run into. */
function ofTime({ state, job, now }: Question): readonly Change[] {
  const { spec } = job;
  const { walltimeMs } = spec;
  const starts = [
    ...state.plan.map(({ at }) => at),
    ...state.policy.reservations.map(({ from }) => Date.parse(from)),
  ];
  const spans = starts
    .map((at): Millis => at - now - limits.shorterByMs)
    .map((ms) => Math.floor(ms / MINUTE_MS) * MINUTE_MS)
    .filter((ms) => ms >= MINUTE_MS && (walltimeMs === 0 || ms < walltimeMs));
  return [...new Set(spans)]
    .sort((a, b) => b - a)
    .slice(0, limits.levelsMax)
    .map((ms) => {
      const size = walltimeMs === 0 ? sizes.time : (walltimeMs - ms) / walltimeMs;
      return ask(size, ['time', `${ms / MINUTE_MS}m`], { ...spec, walltimeMs: ms });
    });
}

const MINUTE_MS = 60_000;

/** Other jobs of the same user: of those of others nobody is told to do anything. */
function ofOthers({ state, job }: Question): readonly Change[] {
  const { owner } = job;
  const other = (does: 'hold' | 'cancel', id: string, otherwise: Otherwise, i: number): Change => ({
    ...{ size: sizes[does] + i / 1_000, does, directive: '', value: '', job: id, otherwise },
  });
  const heads = [...state.lines.values()].map(headOf);
  const held = heads.filter((each) => each.owner === owner && each.id !== job.id);
  const holds = [...state.clusters.values()].flatMap(({ open, holds: all = [] }) =>
    open ? all.filter(({ tenure }) => owner !== undefined && tenure?.owner === owner) : [],
  );
  return [
    ...held.slice(0, limits.othersMax).map(({ id }, i) => other('hold', id, { held: id }, i)),
    // What began last has the least to lose.
    ...holds
      .toSorted((a, b) => (b.since ?? 0) - (a.since ?? 0))
      .slice(0, limits.othersMax)
      .map(({ job: id }, i) => other('cancel', id, { gone: id }, i)),
  ];
}
