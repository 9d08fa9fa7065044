import type { Millis } from '../../src/runtime/ports.ts';

/** How a site treats those who use it. Chances are shares of calls, from 0 to 1. */
export type Manners = {
  /** A call, and its answer, each take up to this long. */
  readonly lateMs: Millis;
  /** A call is lost on its way: its caller hears of a timeout, and nothing was done. */
  readonly lost: number;
  /** A call times out and is done all the same, up to `ghostMs` later. */
  readonly ghost: number;
  readonly ghostMs: Millis;
  /** A call is done, and its answer is a timeout or an error of the site. */
  readonly lying: number;
  /** An order is refused for want of quota. */
  readonly refusing: number;
  /** A list is of a moment up to `staleMs` ago. */
  readonly stale: number;
  readonly staleMs: Millis;
  /** A partition fails to boot. */
  readonly failing: number;
  /** The longest that booting and removing take. */
  readonly bootMs: Millis;
  readonly removeMs: Millis;
  /** Some machines of a partition boot, and then it fails. */
  readonly partial: number;
  /** A new partition is in no answer for up to so long. */
  readonly hiddenMs: Millis;
  /** A partition whose removal fails twice before it is taken. */
  readonly stubborn: number;
  /** An answer tells of another status than there is. */
  readonly fickle: number;
  /** A partition that booted is taken back, after up to so long and then so much notice. */
  readonly evicting: number;
  readonly evictMs: Millis;
  readonly noticeMs: Millis;
};

export const calm: Manners = {
  lateMs: 0,
  lost: 0,
  ghost: 0,
  ghostMs: 0,
  lying: 0,
  refusing: 0,
  stale: 0,
  staleMs: 0,
  failing: 0,
  bootMs: 0,
  removeMs: 0,
  partial: 0,
  hiddenMs: 0,
  stubborn: 0,
  fickle: 0,
  evicting: 0,
  evictMs: 60_000,
  noticeMs: 30_000,
};

export const nasty: Manners = {
  ...calm,
  lateMs: 2_000,
  lost: 0.1,
  ghost: 0.05,
  ghostMs: 60_000,
  lying: 0.2,
  refusing: 0.1,
  stale: 0.3,
  staleMs: 30_000,
  failing: 0.1,
  bootMs: 20_000,
  removeMs: 20_000,
};

/** All of it at once, and more. */
export const nastiest: Manners = {
  ...nasty,
  partial: 0.1,
  hiddenMs: 20_000,
  stubborn: 0.3,
  fickle: 0.1,
};
