import type { Gate } from '../actors/ports.ts';
import { Failed } from '../protocol/errors.ts';

type Call = 'create' | 'find' | 'remove' | 'list' | 'flavors' | 'images' | 'attach';

/** How often a site was asked for something with the same result, and how long that took. */
export type CallCount = {
  readonly remote: string;
  readonly call: Call;
  /** `done`, or the code of the failure. */
  readonly result: string;
  readonly count: number;
  readonly sumSeconds: number;
};

/** Counts what is asked of sites. */
export type Calls = {
  /** The same gate, whose calls are counted under that name. */
  around(remote: string, gate: Gate): Gate;
  counts(): readonly CallCount[];
};

export function openCalls(now = () => performance.now()): Calls {
  const counts = new Map<string, CallCount>();
  const took = (remote: string, call: Call, result: string, begun: number): void => {
    const key = `${remote}\n${call}\n${result}`;
    const { count = 0, sumSeconds = 0 } = counts.get(key) ?? {};
    const seconds = (now() - begun) / 1000;
    const next = { count: count + 1, sumSeconds: sumSeconds + seconds };
    counts.set(key, { remote, call, result, ...next });
  };
  return {
    around(remote, gate) {
      const counted = async <T>(call: Call, signal: AbortSignal, work: Promise<T>): Promise<T> => {
        const begun = now();
        try {
          const value = await work;
          took(remote, call, 'done', begun);
          return value;
        } catch (error) {
          const result = error instanceof Failed ? error.failure.code : 'bug';
          // Of what nobody waits for any more it does not matter how it ends.
          if (!signal.aborted) took(remote, call, result, begun);
          throw error;
        }
      };
      const { storages } = gate;
      return {
        create: (order, signal) => counted('create', signal, gate.create(order, signal)),
        find: (name, signal) => counted('find', signal, gate.find(name, signal)),
        remove: (id, signal) => counted('remove', signal, gate.remove(id, signal)),
        list: (signal) => counted('list', signal, gate.list(signal)),
        flavors: (signal) => counted('flavors', signal, gate.flavors(signal)),
        images: (signal) => counted('images', signal, gate.images(signal)),
        ...(storages && { storages }),
        ...(gate.attach && {
          attach: (machine, told, signal) =>
            counted('attach', signal, gate.attach!(machine, told, signal)),
        }),
      };
    },
    counts: () => [...counts.values()],
  };
}
