import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dev, file, folder, forAll, swm } from './lab.ts';
import { isEnded, logOf, pidOf, waiter } from './waiter.ts';

const WORD = 'correct-horse-7c1f';
const KEY = '-----BEGIN KEY-----\nbattery-staple-93aa\n-----END KEY-----\n';
const TRACES = [WORD, 'battery-staple-93aa', Buffer.from(WORD).toString('base64').slice(0, 22)];

const place = forAll(async () => {
  const home = await folder();
  const one = ['--set', 'resources.cpus=1', '--set', 'jobs.relocate=asked'];
  return { home, node: await dev(join(home, 'spool'), one) };
});

const secret = (args: readonly string[], input = '') =>
  swm(['secret', ...args, '--spool', place().node.spool], { input });

/** The files of a folder in which something of a secret can be read. */
async function traces(root: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (!entry.isFile()) continue;
    const bytes = await readFile(path).catch(() => Buffer.alloc(0));
    if (TRACES.some((trace) => bytes.includes(trace))) found.push(relative(root, path));
  }
  return found;
}

const sum = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('a secret', { timeout: 60_000 }, () => {
  it.each([
    ['on this node', []],
    ['on a cluster', ['relocatable']],
  ])('gets to a job %s, and is nowhere else', async (_, wishes) => {
    const { home, node } = place();
    expect(await secret(['set', 'db'], `${WORD}\n`)).toMatchObject({ code: 0, stdout: 'db\n' });
    const from = await file(join(home, 'key.pem'), KEY);
    expect((await secret(['set', 'deploy', '--from-file', from, '--shared'])).code).toBe(0);

    const wait = await waiter(
      home,
      ...wishes,
      'secret db',
      'secret db env PGPASSWORD',
      'secret deploy file .ssh/key',
      'output-files .ssh out',
    );
    const told = [
      'printf %s "$DB" | sha256sum; printf %s "$PGPASSWORD" | sha256sum; sha256sum <.ssh/key',
      'stat -c "%a %U" .ssh/key; id -un; echo known >.ssh/known; echo out >out',
    ];
    const script = wait.script.replace('while', `${told.join('\n')}\nwhile`);
    const id = await node.submit(script.replace('exit 3', 'exit 0'));
    await pidOf(node, id);
    await expect.poll(() => logOf(node, id)).toContain('\n600 ');
    for (const path of await traces(node.spool)) expect(path).toMatch(/\/work\/\.ssh\/key$/);

    await wait.go();
    const ended = await node.until(id, isEnded);
    expect(ended).toMatchObject({ state: 'F', exitcode: 0, attempt: 1 });
    const log = await logOf(node, id);
    const [, db, pg, key, rights] = log.split('\n');
    expect([db, pg, key].map((line) => line?.split(' ')[0])).toEqual([WORD, WORD, KEY].map(sum));
    expect(rights).toMatch(/^600 /);
    expect(log).toContain(`\n${rights?.split(' ')[1]}\n`);

    const shown = await node.run('show', id, '--json');
    const { outputs } = (await node.client.call('job.show', { id })).job;
    expect(outputs.map(({ path }) => path).toSorted()).toEqual(['.ssh/known', 'out']);
    const all = await Promise.all([node.run('jobs', '--json'), secret(['list', '--json'])]);
    const said = JSON.stringify([shown, all, node.log()]);
    expect(said).toContain('PGPASSWORD');
    for (const trace of TRACES) expect(said).not.toContain(trace);
    // Its place is removed once its end is known to be kept.
    await expect.poll(() => traces(node.spool), { timeout: 20_000 }).toEqual([]);
  });

  it('that there is not is refused at once, with the one that may be meant', async () => {
    await secret(['set', 'db'], WORD);
    const script = await file(join(place().home, 'bad.job'), '#!/bin/sh\n#SWM secret bd\n');
    const done = await place().node.run('submit', script);
    expect(done.code).toBe(4);
    expect(done.stderr).toContain('there is no secret bd; is db meant? [no_secret]');
    expect(await secret(['rm', 'bd'])).toMatchObject({ code: 5 });
  });

  it('that was removed meanwhile is the reason why a job fails', async () => {
    const { home, node } = place();
    await secret(['set', 'gone'], WORD);
    const first = await waiter(home);
    await pidOf(node, await node.submit(first.script));
    const id = await node.submit('#!/bin/sh\n#SWM secret gone\n#SWM cpus 1\necho started\n');
    expect(await secret(['rm', 'gone'])).toMatchObject({ code: 0, stdout: 'gone\n' });
    await first.go();
    const ended = await node.until(id, isEnded);
    expect(ended).toMatchObject({ state: 'E', details: 'there is no secret gone' });
    expect(await logOf(node, id)).toBe('');
  });

  it('is listed by its name, and set from what is text', async () => {
    await secret(['set', 'db'], WORD);
    const { stdout } = await secret(['list', '--json']);
    const listed = JSON.parse(stdout) as { name: string; shared: boolean }[];
    expect(listed).toContainEqual({ name: 'db', shared: false, setAt: expect.any(Number) });
    expect(listed).toContainEqual({ name: 'deploy', shared: true, setAt: expect.any(Number) });
    const bytes = await file(join(place().home, 'bytes'), Buffer.from([0xff, 0xfe]));
    const done = await secret(['set', 'raw', '--from-file', bytes]);
    expect(done).toMatchObject({ code: 2, stdout: '' });
    expect(done.stderr).toContain('base64');
    expect((await secret(['set', '9db'], WORD)).code).toBe(2);
  });
});
