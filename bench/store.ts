import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from 'lmdb';
import { openStore } from '../src/platform/store.ts';
import { type Measures, percentile, run } from './rounds.ts';

/** What do our groups, checks and outcomes cost beside LMDB's own durable puts? */
const COMMITTERS = 64;
const VALUE_BYTES = 650;
const SECONDS = 1;

const value = Buffer.alloc(VALUE_BYTES, 'v');

/** All committers put one value at a time and wait until it is durable, for `SECONDS`. */
async function rate(put: (key: string) => Promise<unknown>): Promise<Measures> {
  const times: number[] = [];
  const begin = performance.now();
  const end = begin + SECONDS * 1_000;
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
  const directory = await mkdtemp(join(cache, 'store-'));
  try {
    return await work(join(directory, 'db'));
  } finally {
    await rm(directory, { recursive: true });
  }
}

await run({
  name: 'store',
  units: { commits: '1/s', p50: 'ms', p99: 'ms' },
  setup: `lmdb as it comes, binary keys and values, ${COMMITTERS} loops of \`await put\``,
  ours: {
    name: 'store',
    run: () =>
      within(async (directory) => {
        const store = await openStore(directory);
        const put = (key: string): Promise<unknown> =>
          new Promise((resolve, reject) => {
            store.commit([{ key, value }], (outcome) =>
              outcome === 'committed' ? resolve(outcome) : reject(new Error(outcome)),
            );
          });
        const measures = await rate(put);
        await store.close();
        return measures;
      }),
  },
  beside: {
    name: 'lmdb put',
    run: () =>
      within(async (directory) => {
        const db = open<Uint8Array, Uint8Array>(directory, {
          encoding: 'binary',
          keyEncoding: 'binary',
          noSubdir: false,
        });
        const measures = await rate((key) => db.put(Buffer.from(key), value));
        await db.close();
        return measures;
      }),
  },
});
