import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { results } from '../../src/cli/results.ts';
import { keyPlaces } from '../../src/platform/key-files.ts';
import { sha } from '../platform/sockets.ts';
import { type Dev, dev, file, folder, forAll, swm, until } from './lab.ts';
import { processesOf } from './machine.ts';
import { begun, typist } from './typist.ts';
import { isEnded, pidOf, waiter } from './waiter.ts';

const lab = forAll(async () => {
  const home = await folder();
  return { home, node: await dev(join(home, 'spool')) };
});

/** The spool first: behind a `--` it would be the command's. */
const run = (node: Dev, ...args: readonly string[]) => swm(['--spool', node.spool, ...args]);

describe('swm put', { timeout: 60_000 }, () => {
  it('brings files into a job that runs, whole, with their modes', async () => {
    const { home, node } = lab();
    const from = join(home, 'given');
    await mkdir(join(from, 'in ner'), { recursive: true });
    const bytes = randomBytes(3_000_000);
    await file(join(from, 'in ner', "odd '$(x)*.bin"), bytes);
    await file(join(from, 'run.sh'), '#!/bin/sh\necho good\n', 0o755);
    await file(join(home, 'beside.txt'), '');
    const wait = await waiter(home);
    const id = await node.submit(wait.script);
    await pidOf(node, id);
    const words = ['put', id, 'in ner', './run.sh', '../beside.txt', '--spool', node.spool];
    const put = await swm(words, { cwd: from });
    expect(put.stdout.split('\n')).toEqual(["in ner/odd '$(x)*.bin", 'run.sh', 'beside.txt', '']);
    const look = 'cat in*/odd* | sha256sum; ./run.sh; wc -c <beside.txt; ls -a . in*';
    const inside = await run(node, 'exec', id, '--', 'sh', '-c', look);
    expect(inside.stdout).toMatch(new RegExp(`^${sha(bytes)}  -\ngood\n0\n`));
    expect(inside.stdout).not.toContain('swm-part');

    // Another in its place, and one that cannot be there.
    await file(join(from, 'run.sh'), '#!/bin/sh\necho better\n', 0o755);
    expect((await swm(['put', id, 'run.sh', '--spool', node.spool], { cwd: from })).code).toBe(0);
    expect((await run(node, 'exec', id, '--', './run.sh')).stdout).toBe('better\n');
    await run(node, 'exec', id, '--', 'mkdir', 'beside');
    await file(join(from, 'beside'), randomBytes(2_000_000));
    const refused = await swm(['put', id, 'beside', '--spool', node.spool], { cwd: from });
    expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('is a folder')]);

    await wait.go();
    await node.until(id, isEnded);
    const late = await swm(['put', id, 'run.sh', '--spool', node.spool], { cwd: from });
    expect([late.code, late.stderr]).toEqual([4, expect.stringContaining('only one that runs')]);
  });
});

/** The one job of that name, once there is one. */
async function idOf(node: Dev, name: string): Promise<string> {
  let id: string | undefined;
  await until(async () => {
    id = (await node.jobs()).find((job) => job.name === name)?.id;
    return id !== undefined;
  });
  return id as string;
}

describe('swm alloc', { timeout: 90_000 }, () => {
  const marks = async (node: Dev, id: string): Promise<readonly string[]> =>
    (await node.client.call('job.show', { id })).job.timeline.map(({ what }) => what);

  it('runs a command on what it got, ends as it does, and gives all of it back', async () => {
    const { node } = lab();
    const look = 'echo $SWM_JOB_ID; read line; echo "$line" >&2; exit 6';
    const words = ['alloc', '-n', 'one', '--cpus', '1', '--time', '1h', '--spool', node.spool];
    const done = await swm([...words, '--', 'sh', '-c', look], { input: 'typed\n' });
    expect(done.code).toBe(6);
    const id = done.stdout.trim();
    expect(done.stderr).toBe(`job ${id.slice(0, 8)} waits for its nodes\ntyped\n`);
    expect(await node.until(id, isEnded)).toMatchObject({ name: 'one', state: 'C' });
    expect((await node.client.call('job.show', { id })).job.spec).toMatchObject({
      cpus: 1,
      walltimeMs: 3_600_000,
    });
    expect(processesOf(id)).toEqual([]);
  });

  it('opens a shell on a terminal, and ends with it', async () => {
    const { node } = lab();
    const { out, type, ended } = typist('alloc', '-n', 'two', '--spool', node.spool);
    const id = await idOf(node, 'two');
    await node.until(id, (job) => job.phase === 'running');
    type('stty size; echo in$((40 + 2))ner; exit 4\r');
    expect(await ended).toBe(4);
    expect(out()).toMatch(/^33 123\r$/m);
    expect(out()).toContain('in42ner');
    expect((await node.until(id, isEnded)).state).toBe('C');
  });

  it('gives all back when it is interrupted, and when it is killed', async () => {
    const { node } = lab();
    const hold = ['--', 'sh', '-c', 'echo on; sleep 1000'];
    const names = ['three', 'four'] as const;
    const [third, fourth] = names.map((name) =>
      begun('alloc', '-n', name, '--cpus', '1', '--spool', node.spool, ...hold),
    ) as [ReturnType<typeof begun>, ReturnType<typeof begun>];
    await until(() => third.out().includes('on\n') && fourth.out().includes('on\n'));
    const ids = await Promise.all(names.map((name) => idOf(node, name)));
    const [interrupted, killed] = ids as [string, string];
    fourth.child.kill('SIGKILL');
    third.child.kill('SIGHUP');
    expect(await third.ended).toBe(129);
    for (const id of ids) expect((await node.until(id, isEnded, 60)).state).toBe('C');
    expect(await marks(node, interrupted)).not.toContain('its terminal is gone');
    expect(await marks(node, killed)).toContain('its terminal is gone');
    expect(ids.flatMap(processesOf)).toEqual([]);
  });

  it('tells what cannot be had', async () => {
    const { node } = lab();
    const refused = await run(node, 'alloc', '--gpus', '200', '--', 'true');
    expect([refused.code, refused.stderr]).toEqual([125, expect.stringContaining('[impossible]')]);
    const odd = await run(node, 'alloc', '--nodes', 'many');
    expect([odd.code, odd.stderr]).toEqual([2, expect.stringMatching(/^swm: --nodes: /)]);
  });
});

describe('swm top', { timeout: 60_000 }, () => {
  it('shows all on a terminal until q, and leaves it as it was', async () => {
    const { home, node } = lab();
    const wait = await waiter(home, 'name seen');
    const id = await node.submit(wait.script);
    await pidOf(node, id);
    const { out, type, ended } = typist('top', '--spool', node.spool);
    await until(() => /seen +running/.test(out()));
    expect(out()).toContain('\x1b[?1049h');
    await wait.go();
    // What changes is seen, and is gone when it has ended.
    await until(() => /jobs {3}0 running/.test(out()));
    type('q');
    expect(await ended).toBe(0);
    expect(out().trimEnd().endsWith('\x1b[?1049l')).toBe(true);
    const once = await run(node, 'top');
    expect(once.stdout).toMatch(/^swm on .*\njobs {3}0 running/);
    expect(once.stdout).not.toContain('\x1b');
  });
});

describe('results', { timeout: 60_000 }, () => {
  it('are as their schemas say, also as YAML', async () => {
    const { home, node } = lab();
    const json = async (verb: string, ...args: string[]): Promise<unknown> => {
      const done = await run(node, ...verb.split(' '), '--json', ...args);
      const value = JSON.parse(done.stdout.trimEnd().split('\n').at(-1) ?? '') as unknown;
      const errors = Value.Errors(results[verb] ?? {}, value);
      expect({ verb, errors: [...errors] }).toEqual({ verb, errors: [] });
      return value;
    };
    const wait = await waiter(home);
    const script = await file(join(home, 'job.sh'), wait.script);
    const { id } = (await json('submit', script)) as { id: string };
    await pidOf(node, id);
    await json('submit', '--dry-run', script);
    await json('exec', id, '--', 'true');
    await json('logs', id);
    await json('put', id, script);
    for (const verb of ['show', 'why']) await json(verb, id);
    await json('hold', id);
    await json('cancel', id);
    await node.until(id, isEnded);
    await json('requeue', id);
    await json('cancel', id);
    await node.until(id, isEnded);
    await json('get', id);
    await json('events', id, '--since', '0');
    const lists =
      'jobs nodes clusters flavors images remotes status usage accounts top audit sweep';
    for (const verb of lists.split(' ')) await json(verb);
    const pairs = ['head list', 'user list', 'secret list', 'cert show', 'context list'];
    for (const verb of pairs) await json(verb);
    const [worker] = (await json('nodes')) as readonly [{ readonly name: string }];
    await json('node drain', worker.name);
    await json('node resume', worker.name);

    const { stdout } = await run(node, 'show', '--yaml', id);
    expect(parse(stdout)).toEqual(await json('show', id));
    const { stdout: all } = await run(node, 'events', '--yaml', '--since', '0', id);
    expect(parseAllDocuments(all).length).toBeGreaterThan(3);
    const gone = await run(node, 'show', '--yaml', '0000');
    expect([gone.code, parse(gone.stdout)]).toMatchObject([5, { error: { code: 'not_found' } }]);
  });
});

describe('a context', { timeout: 60_000 }, () => {
  it('says where to go, and as whom', async () => {
    const { node } = lab();
    const env = { HOME: await folder(), SWM_SPOOL: '', SWM_URL: '', SWM_CONTEXT: '' };
    const text = await readFile(join(node.spool, 'run', 'node.json'), 'utf8');
    const { host, port } = (JSON.parse(text) as { terminal: { host: string; port: number } })
      .terminal;
    const places = keyPlaces(node.spool);
    const { certificate, key } = places.user('admin');
    const who = ['--cert', certificate, '--key', key, '--ca', places.chain];
    const added = await swm(['context', 'add', 'lab', '--url', `${host}:${port}`, ...who], { env });
    expect([added.code, added.stdout]).toEqual([0, 'lab\n']);
    expect((await swm(['nodes', '--context', 'lab'], { env })).stdout).toMatch(/^NAME/);
    expect((await swm(['context', 'use', 'lab'], { env })).code).toBe(0);
    expect((await swm(['nodes'], { env })).stdout).toMatch(/^NAME/);
    const odd = await swm(['nodes', '--context', 'la'], { env });
    expect([odd.code, odd.stderr]).toEqual([2, expect.stringContaining('no context la')]);
  });
});

describe('swm submit -- COMMAND', { timeout: 60_000 }, () => {
  it('runs the words as they are', async () => {
    const { node } = lab();
    const words = ['printf', '<%s>', "it's", 'a  b', '$HOME `x`', 'one\ntwo', ''];
    const flags = ['submit', '--cpus', '1', '--wait', '--spool', node.spool];
    const done = await swm([...flags, '--', ...words]);
    expect(done.code).toBe(0);
    const id = await idOf(node, 'printf');
    expect((await run(node, 'logs', id)).stdout).toBe("<it's><a  b><$HOME `x`><one\ntwo><>");
    const odd = await swm([...flags, '--', 'echo', 'x\n#SWM nodes 9']);
    expect([odd.code, odd.stderr]).toEqual([2, expect.stringContaining('write a script')]);
    for (const args of [[], ['a', 'b'], ['a', '--', 'b'], ['--']])
      expect((await swm([...flags, ...args])).code).toBe(2);
  });
});
