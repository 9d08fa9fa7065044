import Type, { type Static } from 'typebox';
import { limits } from './limits.ts';
import { count, list, text } from './model.ts';

/** What decides which job goes first, and where, as data: of a configuration, or a message. */

const strict = { additionalProperties: false } as const;
const word = text(256);
const weight = Type.Number({ minimum: 0, maximum: limits.weightMax });
const duration = Type.Integer({ minimum: 0, maximum: 2 ** 52 });
/** Names in which `*` stands for anything. */
const patterns = Type.Optional(list(word, limits.patternsMax));
/** Names; none given: everybody. */
const names = patterns;

/** What may be held at once; what is not given has no bound. */
export const Bounds = Type.Object(
  {
    jobs: Type.Optional(count(10_000_000)),
    cpus: Type.Optional(count(100_000_000)),
    gpus: Type.Optional(count(10_000_000)),
  },
  strict,
);
export type Bounds = Static<typeof Bounds>;

export const Queue = Type.Object(
  {
    /** Its nodes: those of such a name that have all of these labels. */
    nodes: patterns,
    labels: names,
    users: names,
    accounts: names,
    /** Added to the priority of its jobs. */
    weight: Type.Optional(weight),
    /** Walltime of its jobs that ask for none, and the longest that they may have, ms. */
    timeDefaultMs: Type.Optional(duration),
    timeMaxMs: Type.Optional(duration),
    limits: Type.Optional(Bounds),
    /** What each of its users may hold in it. */
    perUser: Type.Optional(Bounds),
  },
  strict,
);
export type Queue = Static<typeof Queue>;

export const Share = Type.Object(
  {
    /** The account that it is a part of. */
    parent: Type.Optional(word),
    /** Beside the others of the same parent; 1 unless given. */
    shares: Type.Optional(Type.Integer({ minimum: 1, maximum: limits.weightMax })),
    limits: Type.Optional(Bounds),
  },
  strict,
);

const time = Type.String({ pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d(:\\d\\d)?Z$' });
/** Nodes that only some may use for a time. */
export const Booking = Type.Object(
  {
    name: word,
    nodes: list(word, limits.patternsMax),
    from: time,
    until: time,
    users: names,
    accounts: names,
  },
  strict,
);
export type Booking = Static<typeof Booking>;

export const Policy = Type.Object(
  {
    /** Which of the nodes with room: the fullest, or the emptiest. */
    place: Type.Enum(['pack', 'spread']),
    /**
     * What may overtake a job that waits for room. `easy`: what keeps none of the first `reserve`
     * of them waiting for longer; `conservative`: what keeps none; `off`: nothing.
     */
    backfill: Type.Enum(['off', 'easy', 'conservative']),
    reserve: count(limits.reserveMax),
    /** What waiting adds to a priority, and at most. */
    ageing: Type.Object({ perHour: weight, max: weight }, strict),
    /** What an account that has used nothing has added to its jobs' priorities. */
    fairShare: Type.Object(
      { weight, halfLifeMs: Type.Integer({ minimum: 1_000, maximum: 2 ** 45 }) },
      strict,
    ),
    /** What becomes of jobs that say `preemptible` when those of a higher priority lack room. */
    preemption: Type.Object(
      { by: Type.Enum(['off', 'requeue', 'cancel']), graceMs: count(86_400_000) },
      strict,
    ),
    /**
     * Which of the sites' offers a job gets, and whether it rather waits for nodes that are here.
     * `first`: the first that is there, and any before it waits; `cheapest` and `soonest`; or
     * `weighted`: the least of what it costs, and of what an hour of waiting is worth.
     */
    clouds: Type.Object(
      {
        choose: Type.Enum(['first', 'cheapest', 'soonest', 'weighted']),
        hourIsWorth: Type.Number({ minimum: 0, maximum: limits.budgetMax }),
      },
      strict,
    ),
    queues: Type.Record(word, Queue),
    accounts: Type.Record(word, Share),
    /** What each user may hold, and some of them instead. */
    perUser: Bounds,
    users: Type.Record(word, Bounds),
    reservations: list(Booking, limits.bookedMax),
  },
  strict,
);
export type Policy = Static<typeof Policy>;

/** The queue of a name; undefined: there is none. */
export const queueOf = ({ queues }: Policy, name: string): Queue | undefined =>
  Object.hasOwn(queues, name) ? queues[name] : undefined;

/** All share all nodes, and nothing is promised but a start to the first who wait. */
export const defaultPolicy: Policy = {
  place: 'pack',
  backfill: 'easy',
  reserve: 4,
  ageing: { perHour: 0, max: 0 },
  fairShare: { weight: 0, halfLifeMs: 7 * 86_400_000 },
  preemption: { by: 'off', graceMs: 30_000 },
  clouds: { choose: 'first', hourIsWorth: 1 },
  queues: {},
  accounts: {},
  perUser: {},
  users: {},
  reservations: [],
};
