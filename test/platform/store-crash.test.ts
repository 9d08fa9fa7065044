import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { freeBytes } from '../../src/platform/disk.ts';
import { openStore } from '../../src/platform/store.ts';
import { openEnvironment } from '../../src/platform/store-files.ts';
import type { Failed, Failure } from '../../src/protocol/errors.ts';
import type { Store } from '../../src/runtime/ports.ts';
import { commit, put } from '../ports/store.suite.ts';

const committer = new URL('./committer.ts', import.meta.url).pathname;
let home: string;
let at: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'swm-store-'));
  at = join(home, 'store');
});
afterEach(async () => {
  await rm(home, { recursive: true });
});

/** Starts a committer and gathers what it prints, until it ends. */
function start(command: string, args: readonly string[]) {
  const child: ChildProcess = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const lines: string[] = [];
  const read = createInterface({ input: child.stdout! });
  read.on('line', (line) => lines.push(line));
  const ended = Promise.all([once(child, 'exit'), once(read, 'close')]);
  return { child, lines, ended };
}

const acknowledged = (lines: readonly string[]): string[] =>
  lines.filter((line) => line.startsWith('committed ')).map((line) => line.split(' ')[1]!);

/** Everything acknowledged is there, and of every batch both parts or none. */
function expectWhole(store: Store, acks: readonly string[]): void {
  const rows = store.range({ from: '0', to: ':', limit: 1_000_000 });
  const parts = new Map<string, number>();
  for (const [key] of rows) {
    const batch = key.split('/')[0]!;
    parts.set(batch, (parts.get(batch) ?? 0) + 1);
  }
  expect([...parts].filter(([, count]) => count !== 2)).toEqual([]);
  expect(acks.filter((batch) => !parts.has(batch))).toEqual([]);
}

describe('a store whose process is killed', () => {
  it('has all that was acknowledged, and no part of a batch, each time', async () => {
    let before = 0;
    for (let round = 0; round < 4; round++) {
      const { child, lines, ended } = start(process.execPath, [committer, at, '100']);
      await expect.poll(() => acknowledged(lines).length, { timeout: 20_000 }).toBeGreaterThan(200);
      child.kill('SIGKILL');
      await ended;
      const store = await openStore(at);
      expectWhole(store, acknowledged(lines));
      expect(store.term).toBe(before + 2);
      before = store.term;
      await store.close();
    }
  }, 60_000);

  it('makes real transactions of its groups, one each', async () => {
    let groups = 0;
    const store = await openStore(at, { onGroup: () => groups++ });
    for (let round = 0; round < 10; round++)
      await Promise.all(Array.from({ length: 20 }, (_, n) => commit(store, put(`${round}/${n}`))));
    await store.close();
    const { root } = openEnvironment(at);
    const before = (root.getStats() as { lastTxnId: number }).lastTxnId;
    await root.close();
    const again = await openStore(at, { onGroup: () => groups++ });
    for (let round = 0; round < 10; round++)
      await Promise.all(Array.from({ length: 20 }, (_, n) => commit(again, put(`${round}/${n}`))));
    await again.close();
    const { root: later } = openEnvironment(at);
    const after = (later.getStats() as { lastTxnId: number }).lastTxnId;
    await later.close();
    expect(groups).toBe(20);
    expect(after - before - 1).toBe(10);
  });
});

/** Mounts a small disk if this user may; the other way to a full disk is a limit on file sizes. */
async function smallDisk(): Promise<
  { readonly path: string; free(): void; unmount(): void } | undefined
> {
  const path = join(home, 'small');
  await mkdir(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'swm-test', path], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  await writeFile(join(path, 'ballast'), Buffer.alloc(256 << 10));
  return {
    path,
    free: () => execFileSync('rm', [join(path, 'ballast')]),
    unmount: () => execFileSync('umount', [path]),
  };
}

const limited = (kilobytes: number, directory: string) =>
  start('/bin/sh', [
    '-c',
    `ulimit -f ${kilobytes * 2}; exec "$@"`,
    'sh',
    process.execPath,
    committer,
    directory,
    '500',
  ]);

async function expectBroken(lines: readonly string[], reason: RegExp): Promise<void> {
  expect(acknowledged(lines).length).toBeGreaterThan(0);
  expect(lines.filter((line) => line.startsWith('unknown')).length).toBeGreaterThan(0);
  const broken = lines.filter((line) => line.startsWith('broken'));
  expect(broken).toHaveLength(1);
  expect(broken[0]).toMatch(reason);
  expect(lines.indexOf(broken[0]!)).toBeGreaterThan(
    lines.findIndex((l) => l.startsWith('unknown')),
  );
  expect(lines.at(-1)).toBe('closed');
}

describe('a store on a full disk', () => {
  it('ends commits unknown, says what to free, and has all that it acknowledged', async () => {
    const disk = await smallDisk();
    const directory = disk ? join(disk.path, 'store') : at;
    try {
      const { lines, ended } = disk
        ? start(process.execPath, [committer, directory, '500'])
        : limited(512, directory);
      await ended;
      const reason = disk
        ? `^broken disk_full .*${directory}: The disk is full.*Free space`
        : '^broken disk_';
      await expectBroken(lines, new RegExp(reason));
      const early = await openStore(directory).then(
        (store) => store.close().then(() => 'open'),
        (error: Failed) => error.failure.code,
      );
      expect(['open', 'disk_full']).toContain(early);
      disk?.free();
      const store = await openStore(directory);
      expectWhole(store, acknowledged(lines));
      expect(await commit(store, put('again'))).toBe('committed');
      await store.close();
    } finally {
      disk?.unmount();
    }
  }, 30_000);

  it('ends commits unknown where a file may not grow, and opens again later', async () => {
    const { lines, ended } = limited(512, at);
    await ended;
    await expectBroken(lines, new RegExp(`^broken disk_error .*${at}`));
    const store = await openStore(at);
    expectWhole(store, acknowledged(lines));
    await store.close();
  }, 30_000);

  it('knows the bytes that are left', async () => {
    const free = await freeBytes(home);
    expect(free).toBeGreaterThan(0);
    const blocks = execFileSync('df', ['--output=avail', '-B1', home]).toString().split('\n')[1]!;
    expect(Math.abs(free - Number(blocks))).toBeLessThan(1 << 30);
  });
});

describe('a disk that gives no answer', () => {
  it('breaks the store once the time for a commit is over', async () => {
    const reasons: Failure[] = [];
    const store = await openStore(at, {
      commitMsMax: 200,
      onBroken: (reason) => reasons.push(reason),
    });
    await commit(store, put('a'));
    const { child, lines, ended } = start(process.execPath, [committer, at, '1', 'hold', '60000']);
    await expect.poll(() => lines, { timeout: 10_000 }).toContain('holding');
    const outcomes = await Promise.all([commit(store, put('b')), commit(store, put('c'))]);
    expect(outcomes).toEqual(['unknown', 'unknown']);
    await expect.poll(() => reasons.length).toBe(1);
    expect(reasons[0]!.text).toMatch(/gave no answer for 200 ms/);
    child.kill('SIGKILL');
    await ended;
    await store.close();
  }, 30_000);
});
