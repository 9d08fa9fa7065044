import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openForgotten } from '../../src/platform/process/forgotten.ts';
import { readOrphan, tell } from '../../src/platform/process/record.ts';
import { limits } from '../../src/protocol/limits.ts';
import { readText } from './process-place.ts';

const starting = 'starting 10 500 boot 1000 own swm.x mc .\n';
const pid = 'pid 11 501 502 1001 .\n';
const claim = {
  boot: 'boot',
  slot: { pid: 10, from: 500, to: 500 },
  shared: false,
  contained: false,
  fence: 'swm.x',
  unenforced: 'mc',
  logFull: false,
};
const running = { ...claim, main: { pid: 11, from: 501, to: 502 }, at: 1001, done: undefined };
const exit = (code: number, signal: number, outOfMemory = false, at = 1002) => ({
  exit: { code, signal, at, outOfMemory, lost: false },
});
const lost = { exit: { code: 0, signal: 0, at: 1003, outOfMemory: false, lost: true } };
const killed = { is: 'failed', step: 'killed', errno: 0 };

describe('a record', () => {
  it.each([
    ['', { is: 'nothing' }],
    ['starting 10 500 boot 1000 own swm.x mc', { is: 'nothing' }],
    [starting.replace('\n', ''), { is: 'nothing' }],
    [pid, { is: 'nothing' }],
    ['refused 1 .\n', { is: 'refused' }],
    [`refused 1 .\n${starting}${pid}`, { is: 'refused' }],
    [starting, { is: 'starting', ...claim }],
    [
      'starting 0 0 boot 1000 image - g .\n',
      {
        is: 'starting',
        boot: 'boot',
        slot: { pid: 0, from: 0, to: 0 },
        shared: false,
        contained: true,
        fence: '',
        unenforced: 'g',
        logFull: false,
      },
    ],
    [`${starting}starting 99 1 boot 1 shared - - .\n`, { is: 'starting', ...claim }],
    [`${starting}stopping 5 .\n`, { is: 'starting', ...claim }],
    [`${starting}refused 5 .\n${pid}`, { is: 'refused' }],
    [`${starting}void 5 .\n${pid}`, killed],
    [`${starting}exit 1 0 0 5 .\n`, killed],
    [`${starting}failed log 13 .\nexit 0 0 0 5 .\n`, { is: 'failed', step: 'log', errno: 13 }],
    [starting + pid, { is: 'running', ...running }],
    [`${starting}${pid}void 5 .\nrefused 6 .\nfailed log 1 .\n`, { is: 'running', ...running }],
    [`${starting}${pid}exit 3 0 0 1002 .\n`, { is: 'ended', ...running, ...exit(3, 0) }],
    [`${starting}${pid}exit 0 9 1 1002 .\n`, { is: 'ended', ...running, ...exit(0, 9, true) }],
    [`${starting}${pid}lost 1003 .\nexit 3 0 0 1002 .\n`, { is: 'ended', ...running, ...lost }],
    [
      `${starting}${pid}exit 3 0 0 1002 .\nlost 1003 .\n`,
      { is: 'ended', ...running, ...exit(3, 0) },
    ],
    [`${starting}${pid}exit 3 0 0 1002 .`, { is: 'running', ...running }],
    [`${starting}${pid}done 3 0 0 1002 .\n`, { is: 'running', ...running, done: exit(3, 0).exit }],
    [
      `${starting}${pid}done 3 0 0 1002 .\nlost 1003 .\n`,
      { is: 'ended', ...running, done: exit(3, 0).exit, ...exit(3, 0) },
    ],
    [`${starting}${pid}exit 3 0 0 1002 .lost 1003 .\n`, { is: 'running', ...running }],
    [`${starting}${pid}exit 3 0 0 10lost 1003 .\n`, { is: 'running', ...running }],
    [`${starting}${pid}exit 3 0 0lost 1003 .\nlost 1003 .\n`, { is: 'ended', ...running, ...lost }],
    [
      `${starting}${pid}log_full 4 .\nexit 0 9 0 1002 .\n`,
      {
        is: 'ended',
        ...running,
        logFull: true,
        exit: { ...exit(0, 9).exit, logFull: true },
      },
    ],
  ])('%j', (text, told) => expect(tell(text)).toEqual(told));

  it('cut anywhere tells of an earlier time, never of another end', () => {
    const whole = `${starting}${pid}stopping 5 .\nexit 3 15 0 1002 .\n`;
    const order = ['nothing', 'starting', 'running', 'ended'];
    const times = [...whole].map((_, at) => order.indexOf(tell(whole.slice(0, at)).is));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const cut = fc.integer({ min: (starting + pid).length, max: whole.length - 1 });
    fc.assert(
      fc.property(cut, (at) => {
        const told = tell(`${whole.slice(0, at)}lost 1003 .\nlost 1003 .\n`);
        return told.is === 'ended' && told.exit.lost;
      }),
    );
  });
});

describe('what is kept beside the records', () => {
  let directory: string;
  let path: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'swm-record-'));
    path = join(directory, 'file');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('knows an orphan by its number and the time it started', () => {
    expect(readOrphan(path, { pid: 5, from: 1, to: 9 })).toBe(undefined);
    writeFileSync(path, 'exit 1 0 0 70 3 .\nexit 2 0 0 80 15 .\nexit 9 0 0 90 16');
    expect(readOrphan(path, { pid: 5, from: 15, to: 16 })).toEqual(exit(2, 0, false, 80).exit);
    expect(readOrphan(path, { pid: 5, from: 4, to: 14 })).toBe(undefined);
  });

  it('forgets for good, older attempts too, until no order can come any more', async () => {
    let now = 1_000;
    const key = (attempt: number, rank = 0, job = 'a') => ({ job, attempt, rank });
    const first = await openForgotten(path, () => now);
    first.add(key(2));
    first.add(key(1, 1, 'b'));
    first.add(key(1));
    now += limits.forgottenMs / 2;
    first.add(key(7, 0, 'c'));
    const keys = [key(1), key(2), key(3), key(1, 1), key(1, 1, 'b'), key(7, 0, 'c')];
    const wanted = [true, true, false, false, true, true];
    expect(keys.map((each) => first.has(each))).toEqual(wanted);
    writeFileSync(path, `${readText(path)}c 0 8 1`);
    const second = await openForgotten(path, () => now);
    expect(keys.map((each) => second.has(each))).toEqual(wanted);
    second.add(key(9, 0, 'd'));
    now += limits.forgottenMs / 2 + 1;
    const third = await openForgotten(path, () => now);
    expect([...keys, key(9, 0, 'd')].map((each) => third.has(each))).toEqual([
      false,
      false,
      false,
      false,
      false,
      true,
      true,
    ]);
    expect(readText(path).split('\n')).toHaveLength(3);
  });
});
