import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keeping as jobKeeping } from '../../src/actors/job/keeping.ts';
import { keeping as runnerKeeping } from '../../src/actors/runner/keeping.ts';
import { namedIn } from '../../src/node/named.ts';
import { openSweep } from '../../src/node/sweep.ts';
import { type DiskBlobs, type Kept, openBlobs, type Swept } from '../../src/platform/blobs.ts';
import { limits } from '../../src/protocol/limits.ts';
import { memoryStore } from '../actors/memory.ts';
import { aRunner, orderOf } from '../actors/runners.ts';
import { NOW } from '../actors/stage.ts';
import { ID, liveJob, OTHER, onNodes, over } from '../actors/things.ts';
import { handClock } from '../ports/hand-clock.ts';

let made = 0;
/** A blob of which nobody has heard before. */
const blob = () => ({
  sha256: createHash('sha256').update(`${++made}`).digest('hex'),
  bytes: 3,
});
const file = () => ({ ...blob(), path: 'a', mode: 0o600 });

describe('what records name', () => {
  it('is every blob that is in any of them, wherever', async () => {
    const [control, node] = [memoryStore(), memoryStore()];
    const [script, input, mine] = [file(), file(), file()];
    const [out, saved, from] = [file(), file(), file()];
    const [stdout, stderr, old] = [file(), file(), file()];
    const names = [script, input, mine, out, saved, from, stdout, stderr, old];
    const collected = { outputs: [out], missing: [], stdout: stdout, stderr: stderr };
    const outcome = { state: 'F', exitcode: 0, signal: 0, failure: null } as const;
    const past = { run: 1, attempt: 1, outcome, startedAt: NOW, endedAt: NOW };
    const job = liveJob('running', onNodes('n1'), {
      scriptBlob: { sha256: script.sha256, bytes: 3 },
      inputs: [input],
      reports: [over({ collected })],
      checkpoint: { at: NOW, attempt: 1, files: [saved] },
      runs: [{ ...past, stdout: old, stderr: null }],
    });
    control.keep(jobKeeping, `/jobs/${ID}`, job);
    // More records than are read at once.
    for (let i = 0; i < limits.sweepPageMax; i++)
      control.keep(jobKeeping, `/jobs/${OTHER.slice(0, -4)}${1000 + i}`, liveJob('running'));
    const checkpoint = { at: NOW, attempt: 1, files: [from] };
    const runs = aRunner('running', { order: orderOf({ checkpoint, inputs: [mine] }) });
    node.keep(runnerKeeping, '/runners/x', runs);
    const named = await namedIn([control, node]);
    expect(names.filter(({ sha256 }) => !named.has(sha256))).toEqual([]);
    const others = Array.from({ length: 1_000 }, blob);
    expect(others.filter(({ sha256 }) => named.has(sha256))).toEqual([]);
    control.keep(jobKeeping, `/jobs/${ID}`, { ...job, checkpoint: null });
    expect((await namedIn([control])).has(saved.sha256)).toBe(false);
  });
});

describe('a sweep', () => {
  let home: string;
  let blobs: DiskBlobs;
  beforeEach(async () => {
    home = await mkdtemp(join(tmpdir(), 'swm-sweep-'));
    blobs = await openBlobs(join(home, 'blobs'));
  });
  afterEach(() => rm(home, { recursive: true }));

  const [everyMs, keptMs] = [10_000, 60_000];

  /** Keeps a file as if that had been at an instant of the clock. */
  async function put(text: string, at: number): Promise<string> {
    const path = join(home, text);
    await writeFile(path, text);
    const { sha256 } = await blobs.putFile(path);
    await utimes(blobs.path(sha256), new Date(at), new Date(at));
    return sha256;
  }

  function sweeping(named: () => Promise<Kept>) {
    const clock = handClock();
    const swept: Promise<Swept>[] = [];
    const watched: Pick<DiskBlobs, 'sweep'> = {
      sweep: (...args) => {
        const done = blobs.sweep(...args);
        swept.push(done);
        return done;
      },
    };
    const sweep = openSweep({ blobs: watched, named, everyMs, keptMs, clock, note: () => {} });
    const pass = async (ms: number): Promise<void> => {
      for (let passed = 0; passed < ms; passed += everyMs) {
        clock.pass(everyMs);
        await new Promise((resolve) => setImmediate(resolve));
        await swept.at(-1);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    return { clock, swept, sweep, pass };
  }

  it('removes what nobody names once it is old, and nothing after its end', async () => {
    const { clock, swept, sweep, pass } = sweeping(async () => new Set([await kept]));
    const kept = put('kept', clock.now());
    const gone = await put('gone', clock.now());
    const young = await put('young', clock.now() + keptMs);
    await kept;
    await pass(keptMs + 2 * everyMs);
    expect(swept.length).toBeGreaterThan(3);
    expect([await kept, gone, young].map((sha256) => blobs.has(sha256))).toEqual([
      true,
      false,
      true,
    ]);
    sweep.close();
    const count = swept.length;
    await pass(5 * everyMs);
    expect(swept).toHaveLength(count);
  });

  it('removes nothing when nobody can tell what is named, and tries again', async () => {
    let isKnown = false;
    const { clock, sweep, pass } = sweeping(async () => {
      if (!isKnown) throw new Error('no quorum');
      return new Set<string>();
    });
    const sha256 = await put('a', clock.now());
    await pass(keptMs + 2 * everyMs);
    expect(existsSync(blobs.path(sha256))).toBe(true);
    isKnown = true;
    await pass(2 * everyMs);
    expect(existsSync(blobs.path(sha256))).toBe(false);
    sweep.close();
  });
});
