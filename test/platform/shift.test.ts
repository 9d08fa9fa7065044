import { spawn } from 'node:child_process';
import { appendFile, chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Work } from '../../src/actors/ways.ts';
import { shiftFiles } from '../../src/platform/shift/files.ts';
import { followTask } from '../../src/platform/shift/follow-task.ts';
import { placeShift } from '../../src/platform/shift/place.ts';
import { RECORD } from '../../src/platform/shift/program.ts';
import { grantedIn, resultsOf, sliceOf } from '../../src/platform/shift/records.ts';
import type { Places } from '../../src/protocol/array-model.ts';

const record = (text: string): string => `${text.padEnd(RECORD - 1)}\n`;
const bytes = (...records: string[]): Uint8Array => Buffer.from(records.map(record).join(''));
const signal = new AbortController().signal;

const until = (isSo: () => Promise<boolean>): Promise<void> =>
  vi.waitFor(async () => expect(await isSo()).toBe(true), { timeout: 10_000, interval: 5 });

describe('the list of what a shift did', () => {
  it('gives results in their order, neighbours that ended alike as one', () => {
    const index = bytes(
      '4 e 0 1 0',
      '5 e 0 2 0',
      '6 e 1 2 0',
      '9 k 9 2 0',
      '7 c 0 2 0',
      '2 l 15 2 0',
    );
    expect(resultsOf(index, 100)).toEqual({
      bytes: 6 * RECORD,
      results: [
        { from: 4, to: 5, how: 'exited', code: 0 },
        { from: 6, to: 6, how: 'exited', code: 1 },
        { from: 9, to: 9, how: 'killed', code: 9 },
        { from: 7, to: 7, how: 'cancelled', code: 0 },
        { from: 2, to: 2, how: 'late', code: 15 },
      ],
    });
    // As many as a message has room for, and no more; then from there on.
    const some = resultsOf(index, 2);
    expect(some).toMatchObject({ bytes: 3 * RECORD, results: [{ to: 5 }, { from: 6 }] });
  });

  it('passes over what its program did not write', () => {
    const index = bytes('rubbish', '1 e 999 0 0', '12345678 e 0 0 0', '3 e 0 0 0');
    expect(resultsOf(index, 9)).toMatchObject({ bytes: 4 * RECORD, results: [{ from: 3 }] });
    expect(resultsOf(Buffer.from('3 e 0 0'), 9)).toEqual({ bytes: 0, results: [] });
  });

  it('tells where in a log a task is, by its last try', () => {
    const index = bytes('4 e 1 10 3', '5 e 0 30 3', '4 e 0 36 8');
    expect(sliceOf(index, 4, 'stdout')).toEqual({ from: 30, to: 36 });
    expect(sliceOf(index, 5, 'stderr')).toEqual({ from: 3, to: 3 });
    expect(sliceOf(index.subarray(0, RECORD), 4, 'stdout')).toEqual({ from: 0, to: 10 });
    expect(sliceOf(index, 6, 'stdout')).toBeUndefined();
  });

  it('knows grants by their numbers, each once, and whole lines only', () => {
    const text = 'grant 1 0-3\ngrant 2 4-4,9-10\ngrant 2 4-4,9-10\ncancel 3-3\ngrant 3 5-';
    const places: Places[] = [
      [0, 3],
      [4, 4],
      [9, 10],
    ];
    expect(grantedIn(text)).toEqual({ number: 2, places });
  });
});

describe('a shift', () => {
  let root: string;
  const place = () => ({
    directory: root,
    script: join(root, 'script'),
    stdout: join(root, 'o'),
    stderr: join(root, 'e'),
  });
  const files = shiftFiles(async () => undefined);
  const feed = (work: Partial<Work>) => {
    const none = { heard: 0, grant: 0, places: [], cancelled: [], over: false };
    return files.feed({ place: place(), work: { ...none, ...work } });
  };
  const look = (from: number, isLast = false) =>
    files.news({ place: place(), user: '', from, isLast }, signal);

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'swm-shift-'));
  });
  afterEach(() => rm(root, { recursive: true }));

  /** Runs its program as a slot does; resolves with its exit code. */
  async function run(script: string): Promise<number | null> {
    await writeFile(join(root, 'task'), script);
    await chmod(join(root, 'task'), 0o755);
    const child = spawn('/bin/sh', ['-c', 'exec "$0" </dev/null >>o 2>>e', place().script], {
      cwd: root,
      env: { PATH: '/bin:/usr/bin', SWM_ARRAY_TASK_MIN: '100', SWM_ARRAY_TASK_STEP: '10' },
    });
    return new Promise((resolve) => child.on('exit', resolve));
  }

  const prepared = (taskMs = 0): Promise<void> =>
    placeShift(place().script, taskMs, (path, mode) => chmod(path, mode)).then(() =>
      chmod(place().script, 0o755),
    );

  it('runs what it is granted in that order, each grant once, until it is told', async () => {
    await prepared();
    await feed({ grant: 1, places: [[3, 4]] });
    await feed({ grant: 1, places: [[3, 4]] });
    await feed({
      grant: 2,
      places: [
        [0, 0],
        [7, 9],
      ],
      cancelled: [[8, 8]],
      over: true,
    });
    expect(
      await run('#!/bin/sh\necho $SWM_ARRAY_TASK_ID; exit $((SWM_ARRAY_TASK_ID == 170))'),
    ).toBe(0);
    expect(await readFile(join(root, 'o'), 'utf8')).toBe('130\n140\n100\n170\n190\n');
    const news = await look(0);
    expect(news).toEqual({
      granted: 2,
      open: 0,
      from: 0,
      to: 6 * RECORD,
      results: [
        { from: 3, to: 4, how: 'exited', code: 0 },
        { from: 0, to: 0, how: 'exited', code: 0 },
        { from: 7, to: 7, how: 'exited', code: 1 },
        { from: 8, to: 8, how: 'cancelled', code: 0 },
        { from: 9, to: 9, how: 'exited', code: 0 },
      ],
    });
    expect(await look(5 * RECORD)).toMatchObject({ results: [{ from: 9, to: 9 }] });
  });

  it('ends what a task leaves behind, and one that takes too long, before the next', async () => {
    await prepared(1_000);
    await feed({ grant: 1, places: [[0, 1]], over: true });
    const script = `#!/bin/sh
case $SWM_ARRAY_TASK_ID in
  100) setsid sleep 600 & echo $! >left;;
  110) kill -0 $(cat left) 2>/dev/null && echo there; exec sleep 600;;
esac`;
    expect(await run(script)).toBe(0);
    expect(await readFile(join(root, 'o'), 'utf8')).toBe('');
    expect((await look(0)).results).toEqual([
      { from: 0, to: 0, how: 'exited', code: 0 },
      { from: 1, to: 1, how: 'late', code: 15 },
    ]);
  });

  it('tells a code from a signal, and runs a script that names no interpreter', async () => {
    await prepared();
    await feed({ grant: 1, places: [[0, 1]], over: true });
    expect(await run('[ $SWM_ARRAY_TASK_ID = 100 ] && exit 143; kill -TERM $$\n')).toBe(0);
    expect((await look(0)).results).toEqual([
      { from: 0, to: 0, how: 'exited', code: 143 },
      { from: 1, to: 1, how: 'killed', code: 15 },
    ]);
  });

  it('returns what it has not begun, and the log of the one that runs is whole', async () => {
    await prepared();
    await feed({ grant: 1, places: [[0, 3]] });
    const ends = run('#!/bin/sh\necho begin; while [ ! -e go ]; do sleep 0.02; done; echo end');
    await until(async () => (await readFile(join(root, 'o'), 'utf8').catch(() => '')) !== '');
    await files.recall({ place: place() });
    const returned = { from: 1, to: 3, how: 'returned', code: 0 };
    await until(async () => (await look(0, true)).open === 1);
    expect((await look(0, true)).results).toEqual([returned]);
    const source = { path: place().stdout, script: place().script, isFinal: () => false };
    const wish = { task: 0, stream: 'stdout', offset: 0, follow: true } as const;
    let text = '';
    const reads = (async () => {
      for await (const chunk of followTask(source, wish, signal)) text += Buffer.from(chunk);
    })();
    await until(async () => text === 'begin\n');
    // What it returned it may be granted again.
    await feed({ grant: 2, places: [[2, 2]], over: true });
    await writeFile(join(root, 'go'), '');
    expect(await ends).toBe(0);
    await reads;
    expect(text).toBe('begin\nend\n');
    expect((await look(0)).results.slice(1)).toEqual([
      { from: 0, to: 0, how: 'exited', code: 0 },
      { from: 2, to: 2, how: 'exited', code: 0 },
    ]);
  });

  it('is looked at until there is something to tell, and for its last at once', async () => {
    await prepared();
    await feed({ grant: 1, places: [[0, 3]] });
    expect(await look(0, true)).toMatchObject({ open: 4, to: 0 });
    const waits = look(0);
    await appendFile(join(root, 'index'), bytes('0 e 0 0 0', '1 e 0 0 0', '2 e 0 0 0'));
    await appendFile(join(root, 'index'), '3 e 0 0');
    await appendFile(join(root, 'index'), record('3 e 0 0 0').slice(7));
    expect(await waits).toMatchObject({ open: 0, to: 4 * RECORD, results: [{ from: 0, to: 3 }] });
  });

  it('shows the log of a task that runs, and to its end', async () => {
    await prepared();
    await feed({ grant: 1, places: [[5, 6]] });
    await writeFile(join(root, 'o'), 'five\nsi');
    await appendFile(join(root, 'index'), bytes('5 e 0 5 0'));
    const source = { path: place().stdout, script: place().script, isFinal: () => false };
    const read = async (task: number, follow: boolean, offset = 0): Promise<string> => {
      let text = '';
      const wish = { task, stream: 'stdout', offset, follow } as const;
      for await (const chunk of followTask(source, wish, signal)) text += Buffer.from(chunk);
      return text;
    };
    expect(await read(5, true)).toBe('five\n');
    expect(await read(5, true, 2)).toBe('ve\n');
    expect(await read(6, false)).toBe('si');
    expect(await read(7, false)).toBe('');
    const whole = read(6, true);
    await appendFile(join(root, 'o'), 'x\n');
    await appendFile(join(root, 'index'), bytes('6 e 0 9 0'));
    await appendFile(join(root, 'o'), 'not of it');
    expect(await whole).toBe('six\n');
  });
});
