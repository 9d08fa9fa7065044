import Type, { type Static } from 'typebox';
import { limits } from './limits.ts';
import { count, Failure, instant, list, name, text } from './model.ts';

/** How it went with a flavor at a site before. */
export const FlavorPast = Type.Object({
  flavor: name,
  /** From an order until its nodes are up, of late; 0: none ever was. */
  bootMs: count(2 ** 40),
  /** How often in a row it was refused, when last, and until when it is not asked for again. */
  refusals: count(1_000_000),
  refusedAt: instant,
  refusedUntil: instant,
  /** What the site said. */
  why: text(limits.whyCharsMax),
});
export type FlavorPast = Static<typeof FlavorPast>;

export const reputeShapes = {
  'repute.tried': {
    body: Type.Object({
      remote: name,
      flavor: name,
      /** When it was ordered, and when that came to its end. */
      since: instant,
      at: instant,
      /** Null: all of its nodes were up then. */
      failure: Type.Union([Type.Null(), Failure]),
    }),
    reply: Type.Object({}),
  },
  'scheduler.repute': {
    body: Type.Object({ remote: name, flavors: list(FlavorPast, limits.reputesMax) }),
    reply: Type.Object({}),
  },
} as const;
