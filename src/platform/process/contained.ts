import type { ProcessOrder } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import type { Account } from './account.ts';
import type { Attempt } from './attempt.ts';
import { bootId } from './being.ts';
import type { Ways } from './ending.ts';
import type { Told } from './record.ts';

/**
 * What runs attempts in containers, in place of slots. Their records, logs, leases and ends are the
 * host's, as those of all others.
 */
export type Containers = {
  /** The letters of fence.ts for what it cannot enforce. Throws `Failed` where no engine is. */
  unenforced(order: ProcessOrder): Promise<string>;
  /**
   * Sees to the attempt until it is over: makes and starts its container once, finds it again, and
   * removes it at last. Until it has an order, what was never begun is left alone.
   */
  tend(attempt: Attempt, host: Tended): void;
  ways(attempt: Attempt): Ways;
  /** Whether there may be a container of it, whatever its record says. */
  holds(attempt: Attempt): boolean;
  /** Lets go of all of them; they run on. */
  close(): void;
};

/** What the host of an attempt knows, and wants to know. */
export type Tended = {
  account(order: ProcessOrder): Promise<Account | undefined>;
  /** Told once nothing of it runs and its container is gone. */
  over(attempt: Attempt, told: Told): void;
  /** Also told then, if it could not be started, by one who knows why. */
  failed(attempt: Attempt, why: Failed): void;
};

const none = (): never => {
  throw new Failed('start_failed', 'this node runs no containers');
};

/** Where nobody has any. */
export const noContainers: Containers = {
  unenforced: async () => none(),
  tend: none,
  ways: none,
  holds: () => false,
  close: () => {},
};

/** The line that claims an attempt for the engine: it has no slot, and no cgroups of ours. */
export const containedLine = (unenforced: string): string =>
  `starting 0 0 ${bootId()} ${Date.now()} image - ${unenforced || '-'}`;
