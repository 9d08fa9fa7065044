import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openReplicaDisk } from '../../../src/platform/replica/disk.ts';
import { logKey, openLog } from '../../../src/platform/replica/own.ts';
import type { ReplicaDisk } from '../../../src/platform/replica/ports.ts';
import { openStore } from '../../../src/platform/store.ts';
import { durably, openEnvironment } from '../../../src/platform/store-files.ts';
import { Failed, type Failure } from '../../../src/protocol/errors.ts';
import { applied, entry, keysOf, written } from '../../ports/replica-disk.suite.ts';
import { commit, put } from '../../ports/store.suite.ts';
import { sleep } from '../wait.ts';
import { aloneStore } from './alone-store.ts';

const writer = new URL('./writer.ts', import.meta.url).pathname;
const recorded = new URL('../../fixtures/v1/', import.meta.url).pathname;
let home: string;
let at: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'swm-replica-'));
  at = join(home, 'control');
});
afterEach(async () => {
  await rm(home, { recursive: true });
});

const open = (directory = at, self = 'a'): Promise<ReplicaDisk> =>
  openReplicaDisk(directory, { self });

const failed = async (work: Promise<unknown>): Promise<Failure> => {
  const error = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  expect(error).toBeInstanceOf(Failed);
  return (error as Failed).failure;
};

function start(...args: readonly string[]) {
  const child: ChildProcess = spawn(process.execPath, [writer, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const lines: string[] = [];
  const read = createInterface({ input: child.stdout! });
  read.on('line', (line) => lines.push(line));
  const ended = Promise.all([once(child, 'exit'), once(read, 'close')]);
  return { child, lines, ended };
}

/** The log is whole between its ends, and the records are what is applied of it, no more. */
function expectWhole(disk: ReplicaDisk): void {
  const { base, last, applied: done } = disk.kept;
  const entries = disk.entries(base.index + 1, last, Number.POSITIVE_INFINITY);
  expect(entries.map(({ index }) => index)).toEqual(
    Array.from({ length: last - base.index }, (_, n) => base.index + 1 + n),
  );
  const keys = disk.range({ from: 'k', to: 'l', limit: 1_000_000 }).map(([key]) => key);
  const meant = Array.from({ length: done.index }, (_, n) => `k${n + 1}`);
  expect(new Set(keys)).toEqual(new Set(meant));
}

describe('the disk of a head whose process is killed', () => {
  it('has all that was durable, and of everything a prefix, each time', async () => {
    for (let round = 0; round < 4; round++) {
      const { child, lines, ended } = start(at);
      await expect.poll(() => lines.length, { timeout: 20_000 }).toBeGreaterThan(200);
      child.kill('SIGKILL');
      await ended;
      const told = Number(lines.at(-1)!.split(' ')[1]);
      const disk = await open();
      expect(disk.kept.last).toBeGreaterThanOrEqual(told);
      expectWhole(disk);
      await disk.close();
    }
  }, 60_000);

  it('is the old or the new one when a snapshot was being installed, and goes on', async () => {
    const donor = await open(join(home, 'donor'));
    const value = Buffer.alloc(4_000, 'v');
    const changes = Array.from({ length: 2_000 }, (_, n) => ({ key: `k${n}`, value }));
    await written(donor, { apply: [{ ...applied(1, 1), changes }], base: { index: 1, term: 1 } });
    const snapshot = await donor.snapshot();
    const found = new Set<number>();
    for (let round = 0; round < 8; round++) {
      await rm(at, { recursive: true, force: true });
      const before = await open();
      await written(before, { hard: { term: 7, vote: 'c' } });
      await before.close();
      const { child, lines, ended } = start(at, JSON.stringify(snapshot));
      await expect.poll(() => lines.length, { timeout: 20_000 }).toBeGreaterThan(0);
      await sleep(round * 12);
      child.kill('SIGKILL');
      await ended;
      const disk = await open();
      found.add(disk.kept.last);
      expect([0, 1]).toContain(disk.kept.last);
      expect(disk.kept.hard).toEqual({ term: 7, vote: 'c' });
      expect(keysOf(disk)).toHaveLength(disk.kept.last === 1 ? 1_000 : 0);
      if (disk.kept.last === 0) await disk.install(snapshot);
      expect(disk.range({ from: 'k', to: 'l', limit: 9_999 })).toHaveLength(2_000);
      await disk.close();
      expect((await readdir(home)).toSorted()).toEqual(['control', 'donor', 'donor.snapshots']);
    }
    expect(found.size).toBeGreaterThan(0);
    await donor.close();
  }, 60_000);
});

describe('a store of the former format', () => {
  const fixture = async (): Promise<{ readonly term: number; readonly keys: string[] }> => {
    await cp(join(recorded, 'control-store'), at, { recursive: true });
    return JSON.parse(await readFile(join(recorded, 'control.json'), 'utf8'));
  };

  it('becomes a group of one with all of its records, under a later term', async () => {
    const { term, keys } = await fixture();
    const former = await openStore(at);
    const values = former.range({ from: '', to: '\u{10ffff}', limit: 9_999 });
    await former.close();
    const disk = await open(at, 'head-1');
    expect(disk.kept.hard.term).toBe(term + 1);
    expect(disk.kept.base).toEqual({ index: 1, term: term + 1 });
    expect(disk.kept.members).toEqual([{ voters: ['head-1'], learners: [], index: 1 }]);
    await disk.close();
    const again = await open(at, 'head-1');
    const store = await aloneStore(again, 'head-1');
    expect(store.term).toBe(term + 2);
    expect(store.range({ from: '', to: '\u{10ffff}', limit: 9_999 })).toEqual(values);
    expect(values.map(([key]) => key)).toEqual(keys);
    expect(await commit(store, put('zz'))).toBe('committed');
    await store.close();
    expect((await failed(openStore(at))).text).toMatch(/format 2.*up to 1/);
  });

  it('sends a head that is added all of its records', async () => {
    const { keys } = await fixture();
    const disk = await open();
    const other = await openReplicaDisk(join(home, 'other'), { self: 'b', joins: true });
    await other.install(await disk.snapshot());
    expect(keysOf(other)).toEqual(keys.slice(0, 1_000));
    await other.close();
    await disk.close();
  });

  it('is upgraded again if its first upgrade was cut short', async () => {
    await fixture();
    const first = await open();
    await first.close();
    await writeFile(join(at, 'format'), 'swm store 1\n');
    const disk = await open();
    expect(disk.kept).toEqual(first.kept);
    await disk.close();
    expect(await readFile(join(at, 'format'), 'utf8')).toBe('swm store 2\n');
  });
});

describe('the files of a head', () => {
  const fill = async (): Promise<void> => {
    const disk = await open();
    const entries = Array.from({ length: 9 }, (_, n) => entry(n + 1, 1));
    await written(disk, { hard: { term: 1, vote: 'a' }, entries, apply: [applied(1, 1, 'k1')] });
    await disk.close();
  };
  /** Changes what lies there without the rules of the disk. */
  const tamper = async (how: (env: ReturnType<typeof openEnvironment>) => Promise<unknown>) => {
    const env = openEnvironment(at);
    await durably(env, how(env));
    await env.root.close();
  };

  it('are for their owner alone', async () => {
    await fill();
    expect((await stat(at)).mode & 0o777).toBe(0o700);
    for (const name of await readdir(at))
      expect((await stat(join(at, name))).mode & 0o777).toBe(0o600);
  });

  it('are refused when a newer swm wrote them', async () => {
    await fill();
    await writeFile(join(at, 'format'), 'swm store 3\n');
    const { code, text } = await failed(open());
    expect([code, text]).toEqual(['wrong_version', expect.stringMatching(/format 3.*up to 2/)]);
  });

  it('are refused when the log lacks what was durable, with what is wrong', async () => {
    await fill();
    await tamper((env) => openLog(env).remove(logKey(5)));
    const hole = await failed(open());
    expect([hole.code, hole.text]).toEqual(['corrupt', expect.stringMatching(/has 8 entries/)]);
    await tamper((env) => {
      const log = openLog(env);
      void log.put(logKey(5), log.get(logKey(4))!);
      return log.remove(logKey(9));
    });
    expect((await failed(open())).text).toMatch(
      /8 entries from 1 to 8, and should reach from 1 to 9/,
    );
  });

  it('lose entries behind the end of the log, of which nobody was told', async () => {
    await fill();
    await tamper((env) => {
      const log = openLog(env);
      return log.put(logKey(10), log.get(logKey(9))!);
    });
    const disk = await open();
    expect(disk.entries(1, 99, Number.POSITIVE_INFINITY)).toHaveLength(9);
    await written(disk, { entries: [entry(10, 2)] });
    await disk.close();
    expect((await open().then((again) => again.close().then(() => again.kept))).last).toBe(10);
  });

  it.each(['{', '{}', '{"hard":{"term":1,"vote":""},"base":{"index":2,"term":1},"last":1}'])(
    'are refused when the state is %s',
    async (state) => {
      await fill();
      await tamper(({ own }) => own.put('state', state));
      expect((await failed(open())).code).toBe('corrupt');
    },
  );

  it('are refused when they are cut off', async () => {
    await fill();
    await truncate(join(at, 'data.mdb'), 10_000);
    expect((await failed(open())).code).toBe('corrupt');
  });

  it('lose what a killed installation and old snapshots left', async () => {
    await fill();
    await mkdir(`${at}.install`);
    await writeFile(join(`${at}.install`, 'data.mdb'), 'half');
    await mkdir(`${at}.snapshots`);
    await writeFile(join(`${at}.snapshots`, '1-1.mdb'), 'old');
    const disk = await open();
    expect(await readdir(home)).toEqual(['control']);
    await disk.close();
  });

  it('keep the newest snapshot only, and refuse one whose bytes are others', async () => {
    await fill();
    const disk = await open();
    const first = await disk.snapshot();
    await written(disk, { apply: [applied(2, 1, 'k2')] });
    const second = await disk.snapshot();
    expect(await readdir(`${at}.snapshots`)).toEqual(['2-1.mdb']);
    const other = await openReplicaDisk(join(home, 'other'), { self: 'b', joins: true });
    expect((await failed(other.install(first))).code).not.toBe('bug');
    const wrong = await failed(other.install({ ...second, sha256: first.sha256 }));
    expect([wrong.code, wrong.text]).toEqual([
      'corrupt',
      expect.stringMatching(/bytes are others/),
    ]);
    const position = await failed(other.install({ ...second, index: 5 }));
    expect(position.text).toMatch(/another position/);
    expect(keysOf(other)).toEqual([]);
    await other.install(second);
    expect(keysOf(other)).toEqual(['k1', 'k2']);
    await other.close();
    await disk.close();
  });
});
