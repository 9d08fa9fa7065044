import type { Resources } from '../../protocol/model.ts';
import { amount } from '../price.ts';
import { free } from './free.ts';
import { withAble } from './keep.ts';
import { askOf, begun, marketOf, type Pass } from './pass.ts';
import { atSite } from './place.ts';
import { passIf, type Question } from './question.ts';
import { instant, inWords, isNever, type Reason } from './reason.ts';
import { earliest } from './reserve.ts';
import { spotsOf } from './room.ts';
import { isAble, type Spot } from './spot.ts';
import { isAsked } from './want.ts';

/**
 * Why a job gets no place in the next pass, the nearest reason first; nothing: it gets one. It
 * gives way between looks at all nodes.
 */
export function* outlook(question: Question): Generator<undefined, readonly string[]> {
  const { state, job, now } = question;
  const rests = state.resting.get(job.id);
  if (rests !== undefined) return [inWords([{ is: 'rests', until: rests.notBefore }])];
  if (state.fault !== '') return [inWords([{ is: 'fault', text: state.fault }])];
  const passed = passIf(question);
  if (passed.proposals.some(({ id }) => id === job.id)) return [];
  yield;
  const there = free(state);
  const reasons = withAble(passed.refused.get(job.key) ?? [], there, job);
  const words = reasons.map((reason) => inWords([reason]));
  if (!reasons.some(lacksRoom)) return words;
  const pass = begun(there, now);
  const kept = passed.plan.find(({ id }) => id === job.id);
  const near = nearest(pass, question);
  yield;
  const room =
    kept === undefined
      ? alone(pass, question)
      : [`room is kept for it on ${kept.nodes.join(', ')}`];
  return [...words, ...near, ...room, ...offered(pass, question)];
}

const lacksRoom = (reason: Reason): boolean => reason.is === 'room' && !isNever(reason);

/** Which node has the least to spare for it. */
function nearest({ room, policy }: Pass, { job }: Question): readonly string[] {
  const ask = askOf(job, policy);
  const spots = room.cells.flatMap((cell) => [...spotsOf(cell)]);
  const short = spots
    .filter((spot) => spot.up && isAble(ask, spot))
    .map((spot) => ({ spot, lacks: lacking(spot, ask.exclusive ? spot.total : ask.want) }))
    .filter(({ lacks }) => lacks.length > 0)
    .sort((a, b) => a.lacks.length - b.lacks.length || partOf(b.lacks) - partOf(a.lacks))[0];
  return short === undefined
    ? []
    : [`${short.spot.name} comes nearest: it has ${short.lacks.map(inShort).join(', ')} free`];
}

/** Where and when there would be room if nobody went before it. */
function alone({ room, policy, now }: Pass, { job }: Question): readonly string[] {
  const start = earliest(room, askOf(job, policy), { count: job.spec.nodes, after: now });
  if (start === undefined || start.at <= now) return [];
  const names = start.spots.map(({ name }) => name).join(', ');
  return [
    `if nobody went before it, ${names} would have room at ${instant(start.at)} at the latest`,
  ];
}

/** So much of so much. */
type Lack = { readonly what: string; readonly has: number; readonly wants: number };

function lacking({ free: has }: Spot, wants: Resources): readonly Lack[] {
  const named = Object.entries(wants.named ?? {}).map(([what, count]) => ({
    ...{ what, wants: count },
    has: has.named?.[what] ?? 0,
  }));
  return [
    { what: 'cpus', has: has.cpus, wants: wants.cpus },
    {
      what: 'MiB',
      has: Math.floor(has.memoryBytes / MIB),
      wants: Math.ceil(wants.memoryBytes / MIB),
    },
    { what: 'gpus', has: has.gpus, wants: wants.gpus },
    ...named,
  ].filter((each) => each.has < each.wants);
}

const MIB = 2 ** 20;
const inShort = ({ what, has, wants }: Lack): string => `${has} of ${wants} ${what}`;
const partOf = (lacks: readonly Lack[]): number =>
  Math.min(...lacks.map(({ has, wants }) => has / wants));

/** What a site would make for it, if it were let. */
function offered(pass: Pass, { job }: Question): readonly string[] {
  if (isAsked(job.spec) || pass.sites.length === 0) return [];
  const sites = pass.sites.map((site) => ({ ...site }));
  const { placement } = atSite(job, sites, marketOf(pass));
  if (!placement?.made) return [];
  const { remote, flavor, price } = placement.made;
  const count = placement.nodes.length;
  const rate = amount(price * count);
  return [
    `${remote} would make ${count} × ${flavor} for it, for ${rate} an hour, by \`relocatable\``,
  ];
}
