import type { ReplicaDisk } from '../../../src/platform/replica/ports.ts';
import { openReplica } from '../../../src/platform/replica/replica.ts';
import type { Replica } from '../../../src/platform/replica/replica-port.ts';
import type { Clock, Store } from '../../../src/runtime/ports.ts';

/** The clock of this machine. */
export const realClock: Clock = {
  now: () => Date.now(),
  timer(ms, then) {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};

/** The store of a head that is alone, once it leads; closing it ends the head. */
export function aloneStore(
  disk: ReplicaDisk,
  self: string,
  onGroup?: (batches: number) => void,
): Promise<Store> {
  return new Promise((resolve) => {
    const replica: Replica = openReplica({
      disk,
      self,
      clock: realClock,
      monotonic: () => performance.now(),
      dice: Math.random,
      note: () => {},
      send: () => false,
      fetchSnapshot: () => Promise.reject(new Error('nobody has one')),
      onApplied: () => {},
      ...(onGroup && { onGroup }),
      onRole: ({ ready, term }) => {
        if (!ready) return;
        const store = replica.leaderStore(term);
        resolve({
          term,
          get: (key) => store.get(key),
          range: (range) => store.range(range),
          commit: (changes, then) => store.commit(changes, then),
          close: () => replica.close(),
        });
      },
    });
  });
}
