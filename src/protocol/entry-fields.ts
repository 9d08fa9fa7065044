import Type, { type Static, type TObject } from 'typebox';
import type { EntryKind } from './entry-kinds.ts';
import type { Fields } from './entry-shapes.ts';
import { limits } from './limits.ts';
import { list } from './model.ts';
import { shapeErrors } from './shape-errors.ts';

/** What the fields of entries may be: keys of the configuration that change while heads run. */

const strict = { additionalProperties: false } as const;
const duration = Type.Integer({ minimum: 0, maximum: 2 ** 52 });

/** Keys of `accounts.NAME`. */
export const accountLive = {
  /** What the clusters of its jobs may cost in all, in the currency of the sites. */
  budget: Type.Number({ minimum: 0, maximum: limits.budgetMax }),
} as const;

/** Keys of `jobs`. */
export const jobsLive = {
  /** Walltime of jobs that ask for none, ms; 0: none. */
  walltimeMs: duration,
  /** How long a job that says `on-node-loss requeue` runs on a node that is cut off, ms. */
  leaseMs: Type.Integer({ minimum: limits.leaseMsMin, maximum: limits.leaseMsMax }),
  /** How long clusters stay after jobs that say `keep-resources`, ms. */
  keepMs: Type.Integer({ minimum: 0, maximum: limits.keepMsMax }),
} as const;

/** Keys of `ports`. */
export const portsLive = {
  /** Where jobs' `out` ports may lead to. */
  out: list(Type.String({ minLength: 1, maxLength: 255 }), limits.entryItemsMax),
} as const;

const Account = Type.Partial(Type.Object(accountLive), strict);
export type AccountFields = Static<typeof Account>;
const Jobs = Type.Object(jobsLive);
export type JobsFields = Static<typeof Jobs>;
const Ports = Type.Object(portsLive);
export type PortsFields = Static<typeof Ports>;

const globals: ReadonlyMap<string, TObject> = new Map<string, TObject>([
  ['jobs', Type.Partial(Jobs, strict)],
  ['ports', Type.Partial(Ports, strict)],
]);

const shapeOf: Readonly<Record<EntryKind, (name: string) => TObject | undefined>> = {
  account: () => Account,
  global: (name) => globals.get(name),
};

/** What is wrong with the fields of an entry, such as `budget: must be number`; none: nothing. */
export function misfits(kind: EntryKind, name: string, fields: Fields): readonly string[] {
  const shape = shapeOf[kind](name);
  if (shape === undefined) return [`there is no ${kind} ${name}`];
  return shapeErrors(shape, fields, shape.properties).map(
    ({ key, text }) => `${key.join('.')}: ${text}`,
  );
}
