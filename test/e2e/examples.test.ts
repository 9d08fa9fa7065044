import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { freePort } from '../platform/free-port.ts';
import { cleanup, dev, file, folder, forAll, until } from './lab.ts';

const home = join(import.meta.dirname, '../..');

type Running = {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly errors: () => string;
  readonly ended: Promise<number>;
};

const lab = forAll(async () => {
  const path = await folder();
  return { path, node: await dev(join(path, 'spool')) };
});

/** An example, run from the checkout: `swm/node` and `swm/client` are the sources then. */
function example(name: string, ...args: readonly string[]): Running {
  const flags = ['--conditions=swm-sources', '--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...flags, join(home, 'examples', name), ...args], {
    env: { ...process.env, SWM_SPOOL: lab().node.spool },
  });
  cleanup(async () => void child.kill('SIGKILL'));
  let out = '';
  let errors = '';
  child.stdout.on('data', (part) => (out += part));
  child.stderr.on('data', (part) => (errors += part));
  const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
  return { child, out: () => out, errors: () => errors, ended };
}

/** The example's job with a port that is free here. */
async function server(): Promise<{ readonly script: string; readonly port: number }> {
  const port = await freePort();
  const script = readFileSync(join(home, 'examples/server.job'), 'utf8');
  return { script: script.replaceAll('8901', String(port)), port };
}

const page = async (url: string | undefined): Promise<string> => (await fetch(url ?? '')).text();

describe('the examples', { timeout: 60_000 }, () => {
  it('submit.ts ends as its job did', async () => {
    const { path } = lab();
    const good = await file(join(path, 'good.job'), '#!/bin/sh\nexit 0\n');
    const bad = await file(join(path, 'bad.job'), '#!/bin/sh\nexit 7\n');
    const [one, two] = [example('submit.ts', good), example('submit.ts', bad)];
    expect([await one.ended, await two.ended]).toEqual([0, 7]);
    expect(one.out()).toMatch(/^submitted [0-9a-f-]{36}\nit is F with exit code 0\n$/);
  });

  it('logs.ts prints both streams to their ends', async () => {
    const id = await lab().node.submit('#!/bin/sh\necho here\necho there >&2\n');
    const { ended, out, errors } = example('logs.ts', id);
    expect(await ended).toBe(0);
    expect([out(), errors()]).toEqual(['here\n', 'there\n']);
  });

  it('sweep.ts collects what each job found', async () => {
    const { ended, out } = example('sweep.ts', '2', '3', '12');
    expect(await ended).toBe(0);
    expect(out()).toBe('2\t4\n3\t9\n12\t144\n');
  });

  it('watch.ts tells of what is there, then of changes, until it is interrupted', async () => {
    const { node } = lab();
    const before = await node.submit('#!/bin/sh\n');
    const { child, ended, out } = example('watch.ts');
    await until(() => out().includes('that is all there is now\n'));
    const after = await node.submit('#!/bin/sh\n#SWM name later\n');
    await until(() => out().includes(`${after} later ended`));
    const [first, then] = out().split('that is all there is now\n');
    expect([first?.includes(before), first?.includes(after)]).toEqual([true, false]);
    expect(then).toContain(after);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
  });

  it('forward.ts leads to a port of a job, and ends with it', async () => {
    const { node } = lab();
    const { script, port } = await server();
    const id = await node.submit(script);
    const { ended, out } = example('forward.ts', id, String(port));
    await until(() => out().includes('leads to'));
    expect(await page(`http://${/^\S+/.exec(out())?.[0]}/`)).toBe('this is server\n');
    await node.client.call('job.cancel', { id });
    expect(await ended).toBe(0);
  });

  it('launch.ts says where its server is once it answers, and ends it on Ctrl-C', async () => {
    const { node, path } = lab();
    const { script, port } = await server();
    const job = await file(join(path, 'server.job'), script);
    const { child, ended, out } = example('launch.ts', job, String(port));
    await until(() => out().includes('open '));
    expect(await page(/http:\S+/.exec(out())?.[0])).toBe('this is server\n');
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(out()).toContain('the server is C');
    expect((await node.jobs()).filter(({ phase }) => phase !== 'ended')).toEqual([]);
  });
});
