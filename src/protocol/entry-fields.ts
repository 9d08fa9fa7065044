import Type, { type Static, type TObject } from 'typebox';
import type { EntryKind } from './entry-kinds.ts';
import type { Fields } from './entry-shapes.ts';
import { limits } from './limits.ts';
import { list } from './model.ts';
import { Booking, Policy, Queue, Share } from './policy.ts';
import { shapeErrors } from './shape-errors.ts';

/** What the fields of entries may be: keys of the configuration that change while heads run. */

const strict = { additionalProperties: false } as const;
const duration = Type.Integer({ minimum: 0, maximum: 2 ** 52 });

/** Keys of `accounts.NAME`. */
export const accountLive = {
  /** What the clusters of its jobs may cost in all, in the currency of the sites. */
  budget: Type.Optional(Type.Number({ minimum: 0, maximum: limits.budgetMax })),
  /** Users who see and steer the jobs of it, and of the accounts below it. */
  admins: Type.Optional(list(Type.String({ minLength: 1, maxLength: 64 }), limits.entryItemsMax)),
} as const;

/** Keys of `jobs`. */
export const jobsLive = {
  /** Walltime of jobs that ask for none, ms; 0: none. */
  walltimeMs: duration,
  /** How long a job that says `on-node-loss requeue` runs on a node that is cut off, ms. */
  leaseMs: Type.Integer({ minimum: limits.leaseMsMin, maximum: limits.leaseMsMax }),
  /** How long clusters stay after jobs that say `keep-resources`, ms. */
  keepMs: Type.Integer({ minimum: 0, maximum: limits.keepMsMax }),
  /** How long ended jobs are kept, ms. */
  retentionMs: duration,
} as const;

/** Keys of `ports`. */
export const portsLive = {
  /** Where jobs' `out` ports may lead to. */
  out: list(Type.String({ minLength: 1, maxLength: 255 }), limits.entryItemsMax),
} as const;

/** Keys of `notify`. */
export const notifyLive = {
  /** Who may be told of jobs that say `notify`. */
  allow: list(Type.String({ minLength: 1, maxLength: 300 }), limits.entryItemsMax),
} as const;

const Account = Type.Object({ ...accountLive, ...Share.properties }, strict);
export type AccountFields = Static<typeof Account>;
const Reservation = Type.Omit(Booking, ['name'], strict);
export type ReservationFields = Static<typeof Reservation>;
const Jobs = Type.Object(jobsLive, strict);
export type JobsFields = Static<typeof Jobs>;
const Ports = Type.Object(portsLive, strict);
export type PortsFields = Static<typeof Ports>;
const Notify = Type.Object(notifyLive, strict);
export type NotifyFields = Static<typeof Notify>;
const Scheduler = Type.Omit(Policy, ['queues', 'accounts', 'reservations'], strict);
export type SchedulerFields = Static<typeof Scheduler>;

const globals: ReadonlyMap<string, TObject> = new Map<string, TObject>([
  ['jobs', Jobs],
  ['notify', Notify],
  ['ports', Ports],
  ['scheduler', Scheduler],
]);

const shapeOf: Readonly<Record<EntryKind, (name: string) => TObject | undefined>> = {
  account: () => Account,
  queue: () => Queue,
  reservation: () => Reservation,
  global: (name) => globals.get(name),
};

/** What is wrong with the fields that hold, such as `budget: must be number`; none: nothing. */
export function misfits(kind: EntryKind, name: string, fields: Fields): readonly string[] {
  const shape = shapeOf[kind](name);
  if (shape === undefined) return [`there is no ${kind} ${name}`];
  return shapeErrors(shape, fields, shape.properties).map(
    ({ key, text }) => `${key.join('.')}: ${text}`,
  );
}
