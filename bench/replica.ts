import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openReplicaDisk } from '../src/platform/replica/disk.ts';
import { openReplica } from '../src/platform/replica/replica.ts';
import type { Replica } from '../src/platform/replica/replica-port.ts';
import { openStore } from '../src/platform/store.ts';
import type { Store } from '../src/runtime/ports.ts';
import { type Measures, percentile, run } from './rounds.ts';

/** What does a head that is alone pay for a log that others could join, beside a plain store? */
const COMMITTERS = 64;
const VALUE_BYTES = 650;
const SECONDS = 1;

const value = Buffer.alloc(VALUE_BYTES, 'v');

/** All committers put one value at a time and wait until it is committed, for `SECONDS`. */
async function rate(store: Store): Promise<Measures> {
  const times: number[] = [];
  const begin = performance.now();
  const end = begin + SECONDS * 1_000;
  const put = (key: string): Promise<void> =>
    new Promise((resolve, reject) => {
      store.commit([{ key, value }], (outcome) =>
        outcome === 'committed' ? resolve() : reject(new Error(outcome)),
      );
    });
  const committer = async (who: number): Promise<void> => {
    for (let n = 0; performance.now() < end; n++) {
      const asked = performance.now();
      await put(`jobs/${who}/${n}`);
      times.push(performance.now() - asked);
    }
  };
  await Promise.all(Array.from({ length: COMMITTERS }, (_, who) => committer(who)));
  const seconds = (performance.now() - begin) / 1_000;
  return {
    commits: times.length / seconds,
    p50: percentile(times, 0.5),
    p99: percentile(times, 0.99),
  };
}

/** A fresh directory on the disk of the checkout: `/tmp` may be memory, where a sync is nothing. */
async function within<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const cache = join(import.meta.dirname, '..', '.cache');
  await mkdir(cache, { recursive: true });
  const directory = await mkdtemp(join(cache, 'replica-'));
  try {
    return await work(join(directory, 'db'));
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function lead(directory: string): Promise<{ replica: Replica; store: Store }> {
  const disk = await openReplicaDisk(directory, { self: 'alone' });
  return new Promise((resolve) => {
    const replica = openReplica({
      disk,
      self: 'alone',
      clock: {
        now: Date.now,
        timer: (ms, then) => {
          const timer = setTimeout(then, ms);
          return () => clearTimeout(timer);
        },
      },
      monotonic: () => performance.now(),
      dice: Math.random,
      note: () => {},
      send: () => false,
      fetchSnapshot: () => Promise.reject(new Error('there is no other head')),
      onApplied: () => {},
      onRole: ({ ready, term }) => {
        if (ready) resolve({ replica, store: replica.leaderStore(term) });
      },
    });
  });
}

await run({
  name: 'replica',
  units: { commits: '1/s', p50: 'ms', p99: 'ms' },
  setup: `the store of a node, ${COMMITTERS} loops of one put and its commit, as on our side`,
  ours: {
    name: 'replica',
    run: () =>
      within(async (directory) => {
        const { replica, store } = await lead(directory);
        const measures = await rate(store);
        await replica.close();
        return measures;
      }),
  },
  beside: {
    name: 'store',
    run: () =>
      within(async (directory) => {
        const store = await openStore(directory);
        const measures = await rate(store);
        await store.close();
        return measures;
      }),
  },
});
