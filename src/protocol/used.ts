import Type, { type Static } from 'typebox';

/** Values of messages and records that tell what attempts use. */

/** Weighted by the time for which it was so. */
const Spread = Type.Object({ avg: Type.Number(), max: Type.Number() });
const measured = Type.Union([Type.Null(), Spread]);

/** What one process of an attempt, with all that it started, has used; null: nobody could tell. */
export const Used = Type.Object({
  /** For how long it was looked at. */
  ms: Type.Integer({ minimum: 0, maximum: 2 ** 52 }),
  /** 100 is one core. */
  cpuPercent: measured,
  memBytes: measured,
  /** Of the processors that it used. */
  gpuUtilPercent: measured,
  gpuMemBytes: measured,
});
export type Used = Static<typeof Used>;

export const UsedByRank = Type.Object({
  rank: Type.Integer({ minimum: 0 }),
  node: Type.String(),
  ...Used.properties,
});
export type UsedByRank = Static<typeof UsedByRank>;
