import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openReplicaDisk } from '../../../src/platform/replica/disk.ts';
import { encodeChanges } from '../../../src/platform/replica/entries.ts';
import type { ReplicaDisk, Write } from '../../../src/platform/replica/ports.ts';
import type { Change } from '../../../src/runtime/ports.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swm-copies-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const disk = (name: string): Promise<ReplicaDisk> =>
  openReplicaDisk(join(folder, name), {
    self: name,
    joins: name !== 'h0',
    onBroken: (why) => expect.unreachable(why.text),
  });

const written = (to: ReplicaDisk, write: Write): Promise<void> =>
  new Promise((resolve, reject) =>
    to.write(write, (outcome) => (outcome === 'committed' ? resolve() : reject(outcome))),
  );

const ENTRIES = 60;
const KEPT = 10;
const PER_ENTRY = 12;

/** Entries whose records are large and small, old and new; all but the last few are cut off. */
async function load(to: ReplicaDisk, life: number): Promise<ReadonlyMap<string, number>> {
  const known = new Map<string, number>();
  const first = to.kept.last + 1;
  for (let n = 0; n < ENTRIES; n++) {
    const changes = Array.from({ length: PER_ENTRY }, (_, i): Change => {
      const key = i % 2 === 0 ? `/jobs/${life}-${n}-${i}` : `/jobs/${(n * 7) % ENTRIES}-${i}`;
      const size = i % 3 === 0 ? 60_000 + n : 100 * i + n;
      known.set(key, size);
      return { key, value: new Uint8Array(size).fill(life) };
    });
    const place = { index: first + n, term: 1, at: first + n };
    const bytes = encodeChanges(changes);
    const entries = [{ ...place, kind: 'batch' as const, bytes }];
    await written(to, { hard: { term: 1, vote: 'h0' }, entries });
    await written(to, { apply: [{ ...place, changes }] });
    if (n > KEPT) await written(to, { base: { index: place.index - KEPT, term: 1 } });
  }
  return known;
}

it('a head that began with a copy of a copy writes to it as to its own', async () => {
  let last = await disk('h0');
  for (let life = 0; life < 3; life++) {
    const known = await load(last, life);
    const next = await disk(`h${life + 1}`);
    await next.install(await last.snapshot());
    for (const [key, size] of known) expect(next.get(key)?.length).toBe(size);
    // Whoever was copied goes on as well.
    await load(last, life + 10);
    await last.close();
    last = next;
  }
  const known = await load(last, 3);
  for (const [key, size] of known) expect(last.get(key)?.length).toBe(size);
  await last.close();
});
