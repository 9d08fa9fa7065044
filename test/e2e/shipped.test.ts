import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endInstallation } from './machine.ts';

const home = join(import.meta.dirname, '../..');
const run = promisify(execFile);

type Package = {
  readonly version: string;
  readonly files: readonly string[];
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
};

let root = '';
let version = '';
const children: ChildProcess[] = [];

/** As `npm install` of our package leaves an empty folder: what is shipped, and what that needs. */
async function installed(): Promise<void> {
  const text = await readFile(join(home, 'package.json'), 'utf8');
  const described = JSON.parse(text) as Package;
  version = described.version;
  const modules = join(root, 'node_modules');
  const ours = join(modules, 'swm');
  await mkdir(ours, { recursive: true });
  for (const path of ['package.json', ...described.files])
    if (path !== 'dist') await cp(join(home, path), join(ours, path), { recursive: true });
  await run(process.execPath, [join(home, 'bin/build.ts'), '--into', join(ours, 'dist')]);
  const needed = { ...described.dependencies, ...described.optionalDependencies };
  for (const name of Object.keys(needed)) {
    await mkdir(dirname(join(modules, name)), { recursive: true });
    await symlink(join(home, 'node_modules', name), join(modules, name));
  }
}

const swm = (...args: readonly string[]) => run(join(root, 'node_modules/swm/bin/swm'), args);

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'swm-shipped-'));
  await installed();
}, 60_000);
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await endInstallation(join(root, 'spool'));
  await rm(root, { recursive: true, force: true });
});

const program = `
import { connectTo } from 'swm/node';
import { connect } from 'swm/client';
const client = connectTo({ spool: process.argv[2] });
const { jobs } = await client.call('job.list', {});
for await (const bytes of client.follow(jobs[0].id)) process.stdout.write(bytes);
client.close();
console.log(jobs.length, typeof connect);
`;

describe('what is shipped, in a folder with nothing else', () => {
  it('is a command', async () => {
    expect((await swm('--version')).stdout).toBe(`${version}\n`);
    expect((await swm('--help')).stdout).toContain('submit');
  });

  it('has what is asked most in one file, which needs no package to start', async () => {
    const asking = join(root, 'node_modules/swm/dist/asking.js');
    const text = await readFile(asking, 'utf8');
    const from = [...text.matchAll(/^(?:import|\}) .*from ["']([^"']+)["'];/gm)].map(
      ([, of]) => of,
    );
    expect(from.length).toBeGreaterThan(5);
    expect(from.filter((of) => !of?.startsWith('node:'))).toEqual([]);
    // It would be found by the others else.
    for (const verb of ['jobs', 'show', 'why', 'nodes', 'clusters', 'cancel'])
      expect((await swm(verb, '--help')).stdout).toContain(`Usage: swm ${verb}`);
  }, 30_000);

  it('runs a job on a cluster of its own, and tells programs of it', async () => {
    const spool = join(root, 'spool');
    const dev = spawn(join(root, 'node_modules/swm/bin/swm'), ['dev', '--spool', spool], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(dev);
    const [line] = (await once(dev.stdout, 'data')) as [Buffer];
    expect(String(line)).toMatch(`ready ${spool} https://127.0.0.1:`);
    const script = join(root, 'hello.job');
    await writeFile(script, '#!/bin/sh\n#SWM flavor tiny\necho "for $SWM_JOB_NAME"\n');
    await swm('submit', '--wait', '--name', 'a box', '--spool', spool, script);
    const file = join(root, 'program.mjs');
    await writeFile(file, program);
    const told = await run(process.execPath, [file, spool], { cwd: root });
    expect(told.stdout).toBe('for a box\n1 function\n');
    const asked = async (...args: readonly string[]): Promise<string> =>
      (await swm(...args, '--spool', spool)).stdout;
    const [job] = JSON.parse(await asked('jobs', '--json')) as [{ readonly id: string }];
    expect(await asked('jobs')).toContain('a box');
    expect(await asked('jobs', '--yaml')).toContain(`id: ${job.id}`);
    expect(await asked('show', job.id)).toContain('a box');
    expect(await asked('why', job.id)).not.toBe('');
    expect(await asked('nodes')).toContain('NAME');
    expect(await asked('clusters', '--json')).toMatch(/^\[/);
    await expect(asked('cancel', job.id)).rejects.toThrow();
    dev.kill('SIGTERM');
    expect(await once(dev, 'close')).toEqual([0, null]);
  }, 60_000);
});
