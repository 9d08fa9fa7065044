import { Failed } from '../../../src/protocol/errors.ts';
import type { Millis } from '../../../src/runtime/ports.ts';
import type { World } from '../world.ts';

/** Until when things may go on; what ends them is no part of a worker, and acts without it. */
export type Leases<T extends object> = (whose: T, until: Millis, end: () => void) => void;

/** Leases by the clock of a world. Only the newest of a thing counts. */
export function openLeases<T extends object>({ clock, in: after }: Pick<World, 'clock' | 'in'>) {
  const newest = new WeakMap<T, Millis>();
  const renew: Leases<T> = (whose, until, end) => {
    if (until <= clock.now()) throw new Failed('timeout', 'the lease was renewed too late');
    newest.set(whose, until);
    after(until - clock.now(), () => newest.get(whose) === until && end());
  };
  return renew;
}
