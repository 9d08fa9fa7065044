import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run as headAdd } from '../../src/cli/head-add.ts';
import { run as headList } from '../../src/cli/head-list.ts';
import { run as headRemove } from '../../src/cli/head-remove.ts';
import { run as transfer } from '../../src/cli/leader-transfer.ts';
import { run as nodeAdd } from '../../src/cli/node-add.ts';
import { run as nodeDrain } from '../../src/cli/node-drain.ts';
import { run as nodeGone } from '../../src/cli/node-gone.ts';
import { run as nodeResume } from '../../src/cli/node-resume.ts';
import { run as status } from '../../src/cli/status.ts';
import { resultOf } from '../../src/cli/waiting.ts';
import { Failed } from '../../src/protocol/errors.ts';
import type { WatchRow } from '../../src/protocol/watch-row.ts';
import { staged } from './call.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swm-heads-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const TOKEN = 'very-secret-token';
const invitation = {
  heads: ['10.0.0.1:10001'],
  caFingerprint: 'ab'.repeat(32),
  token: TOKEN,
  name: 'head-2',
};

describe('an invitation', () => {
  const args = ['head-2', '10.0.0.2:10001'];
  const answers = { 'head.add': invitation, 'node.add': invitation };

  it('is a file that only its owner reads, and no token is printed', async () => {
    const output = join(folder, 'to-head-2');
    const call = staged({ args, options: { output }, answers });
    expect(await headAdd(call)).toBe(0);
    expect(call.asked).toEqual([['head.add', { name: 'head-2', address: '10.0.0.2:10001' }]]);
    expect(JSON.parse(await readFile(output, 'utf8'))).toEqual(invitation);
    expect((await stat(output)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder)).toEqual(['to-head-2']);
    expect(call.out).toEqual([output]);
    expect(call.notes.join('\n')).toContain('swm start --join');
    expect([...call.out, ...call.notes].join('\n')).not.toContain(TOKEN);
  });

  it('is told as JSON, without the token unless it is asked for', async () => {
    const output = join(folder, 'a');
    const call = staged({ args: ['w1'], options: { output }, json: true, answers });
    expect(await nodeAdd(call)).toBe(0);
    expect(call.asked).toEqual([['node.add', { name: 'w1' }]]);
    const { heads, caFingerprint, name } = invitation;
    expect(JSON.parse(call.out.at(-1)!)).toEqual({ name, file: output, heads, caFingerprint });
    const printed = staged({ args, options: { output: '-' }, answers });
    expect(await headAdd(printed)).toBe(0);
    expect(JSON.parse(printed.out.at(-1)!)).toEqual(invitation);
  });

  it('overwrites nothing, and asks nobody if it has no place to lie', async () => {
    const output = join(folder, 'mine');
    await writeFile(output, 'precious');
    const call = staged({ args, options: { output }, answers });
    await expect(headAdd(call)).rejects.toThrow('is there already');
    expect(call.asked).toEqual([]);
    expect(await readFile(output, 'utf8')).toBe('precious');
    const lost = staged({ args, options: { output: join(output, 'x') }, answers });
    await expect(headAdd(lost)).rejects.toThrow(output);
  });

  it('leaves no half of it where it cannot be written', async () => {
    const output = join(folder, 'gone', 'x');
    await expect(headAdd(staged({ args, options: { output }, answers }))).rejects.toThrow(output);
    expect(await readdir(folder)).toEqual([]);
  });

  it('lies where the command was called, under a name that leads nowhere else', async () => {
    const before = process.cwd();
    process.chdir(folder);
    try {
      await nodeAdd(staged({ args: ['../../etc/x'], answers }));
    } finally {
      process.chdir(before);
    }
    expect(await readdir(folder)).toEqual(['.._.._etc_x.join.json']);
  });
});

describe('the group of heads', () => {
  it('is listed', async () => {
    const heads = [
      { name: 'a', address: 'a:1', phase: 'member', leads: true, behind: 0 },
      { name: 'b', address: 'b:1', phase: 'expected', leads: false, behind: -1 },
    ];
    const call = staged({ answers: { 'head.list': { heads } } });
    expect(await headList(call)).toBe(0);
    expect(call.out).toEqual([
      'NAME  STATE     LEADS  BEHIND  ADDRESS',
      'a     member    yes         0  a:1',
      'b     expected              ?  b:1',
    ]);
    const json = staged({ json: true, answers: { 'head.list': { heads } } });
    await headList(json);
    expect(JSON.parse(json.out.at(-1)!)).toEqual(heads);
  });

  it('loses a head, or gives its lead to another', async () => {
    const removed = staged({ args: ['b'], json: true, answers: { 'head.remove': {} } });
    expect(await headRemove(removed)).toBe(0);
    expect(removed.asked).toEqual([['head.remove', { name: 'b' }]]);
    expect(removed.out).toEqual(['{"name":"b"}']);
    const answers = { 'head.transfer': { leader: 'c' } };
    const any = staged({ answers });
    expect(await transfer(any)).toBe(0);
    expect(any.asked).toEqual([['head.transfer', { to: '' }]]);
    expect(any.out).toEqual(['c']);
    const named = staged({ args: ['c'], json: true, answers });
    await transfer(named);
    expect(named.asked).toEqual([['head.transfer', { to: 'c' }]]);
    expect(named.out).toEqual(['{"leader":"c"}']);
  });

  it('says why it will not', async () => {
    const refused = new Failed('refused', 'b is the last head');
    const call = staged({ args: ['b'], answers: { 'head.remove': refused } });
    await expect(headRemove(call)).rejects.toThrow('the last head');
    expect(call.out).toEqual([]);
  });
});

describe('a node that is gone', () => {
  const answers = { 'node.gone': { node: 'w1', cluster: 'big' } };

  it('is given up by somebody who says that it is so', async () => {
    const call = staged({ args: ['w1'], options: { yes: true }, answers });
    expect(await nodeGone(call)).toBe(0);
    expect(call.asked).toEqual([['node.gone', { node: 'w1' }]]);
    expect([call.out, call.notes]).toEqual([['w1'], ['it was of cluster big']]);
    const json = staged({ args: ['w1'], options: { yes: true }, json: true, answers });
    await nodeGone(json);
    expect(JSON.parse(json.out.at(-1)!)).toEqual({ node: 'w1', cluster: 'big' });
  });

  it('is drained for a reason, and resumed', async () => {
    const one = { 'node.drain': { node: 'w1' }, 'node.resume': { node: 'w1' } };
    const options = { reason: 'a new disk', requeue: true };
    const call = staged({ args: ['w1'], options, answers: one });
    expect(await nodeDrain(call)).toBe(0);
    const plain = staged({ args: ['w1'], json: true, answers: one });
    expect(await nodeDrain(plain)).toBe(0);
    expect(await nodeResume(plain)).toBe(0);
    expect([...call.asked, ...plain.asked]).toEqual([
      ['node.drain', { node: 'w1', requeue: true, reason: 'a new disk' }],
      ['node.drain', { node: 'w1', requeue: false }],
      ['node.resume', { node: 'w1' }],
    ]);
    expect([call.out, plain.out]).toEqual([['w1'], ['{"node":"w1"}', '{"node":"w1"}']]);
  });

  it('is not given up by a script that does not say it', async () => {
    const call = staged({ args: ['w1'], answers });
    await expect(nodeGone(call)).rejects.toThrow(/nothing runs on it any more[\s\S]*--yes/);
    expect(call.asked).toEqual([]);
  });
});

describe('the status', () => {
  const node = {
    node: 'a',
    version: '1',
    installation: 'i',
    since: 0,
    term: 7,
    actors: 1,
    rssBytes: 1024,
    trouble: [] as string[],
  };
  const group = {
    leader: 'b',
    role: 'follower',
    applied: 90,
    committed: 100,
    voters: 3,
    reachable: 2,
    snapshotAt: 0,
  };
  const of = async (fields: object, json = false) => {
    const answers = {
      'node.status': { ...node, ...fields },
      'user.show': { id: 'me', operator: true },
    };
    const call = staged({ json, answers });
    return { code: await status(call), ...call };
  };

  it('tells of the group, and is good while there is a quorum', async () => {
    const { code, out } = await of(group);
    expect(code).toBe(0);
    expect(out.slice(4, 10).map((line) => line.replace(/ {2,}/, ': '))).toEqual([
      'leader: b',
      'role: follower',
      'term: 7',
      'log: 90 of 100 applied, 10 behind',
      'heads: 2 of 3 reachable: quorum',
      'last snapshot: never',
    ]);
  });

  it.each([
    [{ voters: 3, reachable: 1 }, 1],
    [{ voters: 4, reachable: 2 }, 1],
    [{ voters: 1, reachable: 1 }, 0],
    [{ voters: 1, reachable: 1, trouble: ['the disk is full'] }, 1],
  ])('ends as it must with %j', async (fields, code) => {
    const shown = await of({ ...group, ...fields });
    expect(shown.code).toBe(code);
    const hasQuorum = fields.reachable * 2 > fields.voters;
    expect(shown.out.some((line) => line.endsWith(': NO QUORUM'))).toBe(!hasQuorum);
    expect((await of({ ...group, ...fields }, true)).code).toBe(code);
  });

  it('is read from a node that knows of no group, too', async () => {
    const { code, out } = await of({});
    expect(code).toBe(0);
    expect(out.join('\n')).not.toMatch(/leader|heads|undefined|NaN/);
    const json = await of({ leader: '' }, true);
    expect(JSON.parse(json.out.at(-1)!)).toMatchObject({ leader: '', term: 7 });
    expect((await of({ leader: '' })).out.join('\n')).toContain('none is known');
  });
});

describe('what is said of a job that failed', () => {
  const base = { exitcode: 0, signal: 15, details: '' };
  const watched = (...rows: readonly object[]) =>
    async function* (): AsyncGenerator<WatchRow, void, void> {
      for (const row of rows) yield { revision: 1, key: 'job', row } as WatchRow;
      await new Promise(() => {});
    };
  const waited = async (json: boolean, ...rows: readonly object[]) => {
    const call = staged({ json, watched: watched(...rows) });
    return { code: await resultOf(await call.client(), call.screen, '0123abcd-0'), ...call };
  };

  it('is its reason, which comes once all is released, and not the signal', async () => {
    const { code, notes, out } = await waited(
      true,
      { ...base, state: 'R', phase: 'running' },
      { ...base, state: 'E', phase: 'releasing', details: 'removing its cluster' },
      { ...base, state: 'E', phase: 'ended', details: 'ran longer than its walltime' },
    );
    expect(code).toBe(143);
    expect(notes).toEqual(['swm: 0123abcd ended: ran longer than its walltime']);
    expect(JSON.parse(out.at(-1)!)).toMatchObject({ details: 'ran longer than its walltime' });
  });

  it('is not waited for where nothing failed', async () => {
    const good = await waited(false, { ...base, signal: 0, state: 'F', phase: 'releasing' });
    expect([good.code, good.notes]).toEqual([0, []]);
    const cancelled = await waited(false, { ...base, state: 'C', phase: 'releasing' });
    expect([cancelled.code, cancelled.notes]).toEqual([143, ['swm: 0123abcd was cancelled']]);
  });

  it('is the signal if no reason comes', async () => {
    const { notes } = await waited(false, { ...base, state: 'E', phase: 'releasing' });
    expect(notes).toEqual(['swm: 0123abcd was killed by signal 15']);
  }, 10_000);
});
