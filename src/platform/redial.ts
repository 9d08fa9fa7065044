import { Failed, type Failure } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Cancel, Clock, Millis } from '../runtime/ports.ts';
import type { Link } from './link.ts';

export type Redial = {
  /** One attempt, with a deadline of its own. */
  dial(): Promise<Link>;
  readonly clock: Clock;
  /** The longest wait; `limits.redialMsMax` if it is not said. */
  readonly waitMsMax?: Millis;
  /** 0 ≤ x < 1. */
  dice(): number;
  /** Must set the link's `onFrame`. */
  onLink(link: Link): void;
  /** The link is gone; the next attempt comes by itself. */
  onLost?(why: string): void;
  /** Why an attempt failed, how many have in a row, and when the next is made. */
  onFailed?(failure: Failure, failed: number, nextInMs: Millis): void;
};

export type Kept = {
  /** The link if there is one now. */
  readonly link: Link | undefined;
  /** Tries at once if it is waiting: something was heard of the peer. */
  hurry(): void;
  /** Ends it, and the link if there is one. */
  close(why: string): void;
};

/**
 * Keeps one link alive: dials, and dials again when it is lost. The wait doubles with every failure
 * in a row and is drawn between half and all of it, so that a thousand workers that lost one head
 * do not come back in one instant. A link that broke sooner than the longest wait counts as a
 * failure too: a peer that takes links and drops them is not dialled in a tight loop.
 */
export function keepDialled(redial: Redial): Kept {
  const { clock, dice, waitMsMax = limits.redialMsMax } = redial;
  let link: Link | undefined;
  let failed = 0;
  let waiting: Cancel | undefined;
  let over = false;

  const later = (): Millis => {
    const longest = Math.min(limits.redialMsMin * 2 ** Math.min(failed, 16), waitMsMax);
    const ms = Math.ceil(longest * (0.5 + dice() / 2));
    waiting = clock.timer(ms, attempt);
    return ms;
  };
  const attempt = () => {
    waiting = undefined;
    redial.dial().then(opened, refused);
  };
  const refused = (error: unknown) => {
    if (over) return;
    const nextInMs = later();
    failed += 1;
    redial.onFailed?.(failureOf(error), failed, nextInMs);
  };
  const opened = (made: Link) => {
    if (over) return made.close('no longer wanted');
    link = made;
    const since = clock.now();
    made.onClosed((why) => {
      link = undefined;
      if (over) return;
      failed = clock.now() - since >= waitMsMax ? 0 : failed + 1;
      later();
      redial.onLost?.(why);
    });
    redial.onLink(made);
  };
  attempt();

  return {
    get link() {
      return link;
    },
    hurry() {
      if (waiting === undefined) return;
      waiting();
      attempt();
    },
    close(why) {
      over = true;
      waiting?.();
      waiting = undefined;
      link?.close(why);
    },
  };
}

/** An attempt that fails in a way nobody foresaw is a bug; dialling goes on all the same. */
const failureOf = (error: unknown): Failure =>
  error instanceof Failed
    ? error.failure
    : { code: 'bug', text: error instanceof Error ? error.message : String(error), retry: true };
