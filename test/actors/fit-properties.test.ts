import { expect, it } from 'vitest';
import { fit } from '../../src/actors/scheduler/fit.ts';
import type { Waiting } from '../../src/actors/scheduler/place.ts';
import { Dice } from '../sim/dice.ts';
import { calendar, type Entry, entry, isClosed, mayBeOn, overfull } from './calendar.ts';
import { AT, type World, world } from './worlds.ts';

/** Properties of a pass over worlds by dice; the seed of one that fails is in its message. */

const WORLDS = 100_000;

type Passed = ReturnType<typeof fit>;

const rules: Readonly<Record<string, (world: World, passed: Passed) => string>> = {
  'everybody has a place, or a reason': ({ waiting }, { place, reasons }) => {
    const placed = new Set(place.map(({ id }) => id));
    const odd = waiting.find(
      ({ id }) =>
        placed.has(id) === (reasons.get(id)?.length ?? 0) > 0 || placed.size < place.length,
    );
    return odd === undefined ? '' : odd.id;
  },

  'no node has ever more than it can bear, also when what is planned starts': (at, passed) => {
    const entries = calendar(at, passed);
    return at.nodes.map((node) => overfull(node, entries)).find((text) => text !== '') ?? '';
  },

  'a job is on nodes of one cluster that it may be on, and in no reservation of others': (
    at,
    { place, plan },
  ) => {
    const starts = [
      ...place.map(({ id, placement }) => ({ id, at: AT, nodes: placement.nodes })),
      ...plan,
    ];
    for (const { id, at: from, nodes } of starts) {
      const job = at.waiting.find((each) => each.id === id) as Waiting;
      const there = at.nodes.filter(({ name }) => nodes.includes(name));
      const isWrong = there.some(
        (node) => !mayBeOn(job, node, at) || isClosed(job, node.name, from, at),
      );
      const clusters = new Set(there.map(({ cluster }) => cluster));
      if (isWrong || clusters.size !== 1 || there.length !== job.spec.nodes)
        return `${id} on ${nodes.join(' ')}`;
    }
    return '';
  },

  'nobody waits for room that is there': (at, passed) => {
    const entries = calendar(at, passed);
    for (const job of at.waiting) {
      const [reason] = passed.reasons.get(job.id) ?? [];
      // Who leaves for it may by that be out of the way of a start before.
      if (reason?.is !== 'room' || reason.preempts || job.spec.gang !== '') continue;
      // What was planned for it, and for those behind it, came after it was refused.
      const others = entries.filter((each) => each.job !== job.id);
      if (couldStart(at, job, others)) return job.id;
    }
    return '';
  },

  'a gang is all or nothing': ({ waiting }, { place }) => {
    for (const owner of ['ann', 'ben']) {
      const gang = waiting.filter((each) => each.owner === owner && each.spec.gang !== '');
      const placed = gang.filter(({ id }) => place.some((each) => each.id === id)).length;
      if (placed !== 0 && (placed !== gang.length || placed < 2)) return owner;
    }
    return '';
  },

  'nobody holds more than it may': (at, { place }) => {
    const { perUser, accounts } = at.policy;
    for (const { id } of place) {
      const job = at.waiting.find((each) => each.id === id) as Waiting;
      const mine = at.waiting.filter(
        ({ id: other, owner }) => owner === job.owner && place.some((p) => p.id === other),
      );
      const held = at.holds.filter(({ tenure }) => tenure?.owner === job.owner);
      const cpus =
        held.reduce((sum, { resources }) => sum + resources.cpus, 0) +
        mine.reduce((sum, { spec }) => sum + spec.nodes * spec.cpus, 0);
      if (cpus > (perUser.cpus ?? Number.POSITIVE_INFINITY)) return `${job.owner} ${cpus}`;
      const most = accounts['lab']?.limits?.jobs ?? Number.POSITIVE_INFINITY;
      const jobs =
        at.holds.filter(({ tenure }) => tenure?.account === 'lab').length +
        at.waiting.filter((w) => w.spec.account === 'lab' && place.some((each) => each.id === w.id))
          .length;
      if (job.spec.account === 'lab' && jobs > most) return `lab ${jobs}`;
    }
    return '';
  },

  'only the preemptible make room, for those of a higher priority, and only for those it helps': (
    { holds, waiting, policy: { preemption } },
    { preempted, plan },
  ) => {
    const odd = preempted.find(({ id, for: other }) => {
      const { tenure } = holds.find(({ job }) => job === id) as World['holds'][number];
      const job = waiting.find((each) => each.id === other) as Waiting;
      const start = plan.find((each) => each.id === other);
      const isFair = tenure?.preemptible && tenure.priority < job.spec.priority;
      return !isFair || start?.at !== AT + preemption.graceMs || preemption.by === 'off';
    });
    return odd?.id ?? '';
  },

  'behind a barrier nobody is placed': ({ policy, waiting }, { place, reasons }) => {
    if (policy.backfill !== 'off') return '';
    const blocked = [...reasons.values()].flatMap(([first]) =>
      first?.is === 'behind' ? [first.job] : [],
    );
    const job = waiting.find(({ id }) => id === blocked[0]);
    if (job === undefined || policy.ageing.perHour > 0 || policy.fairShare.weight > 0) return '';
    const isBefore = ({ spec, submittedAt, id }: Waiting): boolean =>
      spec.priority > job.spec.priority ||
      (spec.priority === job.spec.priority &&
        (submittedAt < job.submittedAt || (submittedAt === job.submittedAt && id < job.id)));
    const odd = place.find(({ id }) => {
      const other = waiting.find((each) => each.id === id) as Waiting;
      return other.spec.gang === '' && !isBefore(other);
    });
    return odd?.id ?? '';
  },
};

/** Whether so many nodes of one cluster bear it from now on beside all others. */
function couldStart(at: World, job: Waiting, others: readonly Entry[]): boolean {
  const open = at.nodes.filter(
    (node) =>
      mayBeOn(job, node, at) &&
      !isClosed(job, node.name, AT, at) &&
      overfull(node, [...others, entry(at, job, node.name, AT)]) === '',
  );
  const clusters = Map.groupBy(open, ({ cluster }) => cluster);
  return [...clusters.values()].some((there) => there.length >= job.spec.nodes);
}

it(`holds in ${WORLDS} worlds`, { timeout: 120_000 }, () => {
  const seen = { placed: 0, planned: 0, gangs: 0, preempted: 0 };
  for (let seed = 1; seed <= WORLDS; seed++) {
    const at = world(new Dice(seed));
    const passed = fit(at, AT);
    for (const [rule, check] of Object.entries(rules)) {
      const wrong = check(at, passed);
      if (wrong !== '') expect.fail(`seed ${seed}: ${rule}: ${wrong}`);
    }
    seen.placed += passed.place.length;
    seen.planned += passed.plan.length;
    seen.preempted += passed.preempted.length;
    seen.gangs += Number(at.waiting.some(({ spec }) => spec.gang !== ''));
  }
  // Worlds in which nothing happens would prove nothing.
  expect(seen.placed).toBeGreaterThan(WORLDS / 2);
  expect(seen.planned).toBeGreaterThan(WORLDS / 10);
  expect(seen.preempted).toBeGreaterThan(WORLDS / 100);
  expect(seen.gangs).toBeGreaterThan(WORLDS / 10);
});
