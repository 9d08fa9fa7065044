import { spawnSync } from 'node:child_process';
import { chmod, lstat, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PlaceOrder, Workplace } from '../../src/actors/ports.ts';
import { type DiskBlobs, openBlobs } from '../../src/platform/blobs.ts';
import { followFile } from '../../src/platform/follow.ts';
import { removeShared } from '../../src/platform/removal.ts';
import { type Carrier, type WorkplaceOptions, workplace } from '../../src/platform/workplace.ts';

/** Only root can give files to the account of jobs; elsewhere there is nothing to protect. */
const asRoot = describe.runIf(process.geteuid?.() === 0);
const account = { name: 'jobs', uid: 65_534, gid: 65_534, groups: [] };
const key = { job: 'j', attempt: 1, rank: 0 };
const never = new AbortController().signal;
const nothing = (): void => {};

let home: string;
let work: string;
let secret: string;
let blobs: DiskBlobs;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'swm-place-'));
  await chmod(home, 0o711);
  work = join(home, 'job', 'j', '1.0', 'work');
  secret = join(home, 'secret');
  await mkdir(secret, { mode: 0o711 });
  await writeFile(join(secret, 'key'), 'secret', { mode: 0o600 });
  await mkdir(join(home, 'job'), { mode: 0o711 });
  blobs = await openBlobs(join(home, 'blobs'));
});
afterEach(async () => {
  await rm(home, { recursive: true });
});

/** What another job of the same account does meanwhile; the exit code of its shell. */
const another = (command: string): number | null =>
  spawnSync('/bin/sh', ['-c', command], { uid: account.uid, gid: account.gid }).status;

const carrier: Carrier = { fetch: async () => {}, send: async () => {} };
const open = (parts: Partial<WorkplaceOptions> = {}): Workplace =>
  workplace({
    directory: join(home, 'job'),
    blobs,
    carrier,
    accountOf: async () => account,
    ...parts,
  });

async function order(change: Partial<PlaceOrder> = {}): Promise<PlaceOrder> {
  const from = join(home, 'from');
  await writeFile(from, 'input');
  const input = { ...(await blobs.putFile(from)), path: 'in', mode: 0o644 };
  return {
    key,
    script: '#!/bin/sh\n',
    scriptBlob: null,
    inputs: [input],
    outputs: [],
    stdout: '',
    stderr: '',
    workdir: '',
    user: '',
    hosts: '',
    tasks: 'none',
    checkpointDir: '',
    restored: [],
    ...change,
  };
}

const isUntouched = async (): Promise<void> => {
  expect(await readFile(join(secret, 'key'), 'utf8')).toBe('secret');
  expect((await lstat(join(secret, 'key'))).uid).toBe(0);
};

asRoot('the place of a job', () => {
  it('is closed to its account until all is in it', async () => {
    const tried: (number | null)[] = [];
    const plant = (): void => void tried.push(another(`ln -s ${secret}/key ${work}/in`));
    await open().stage(await order(), plant, never);
    expect(tried.length).toBeGreaterThan(0);
    expect(tried).not.toContain(0);
    await isUntouched();
    expect(await readFile(join(work, 'in'), 'utf8')).toBe('input');
    expect(another(`cat ${work}/in && : > ${work}/out`)).toBe(0);
  });

  it('is made anew when it was given before, whatever was put there', async () => {
    const place = open();
    await place.stage(await order(), nothing, never);
    expect(another(`rm -f ${work}/in && ln -s ${secret}/key ${work}/in`)).toBe(0);
    await place.stage(await order(), nothing, never);
    await isUntouched();
    expect(await readFile(join(work, 'in'), 'utf8')).toBe('input');
    await place.clear(key);
    await expect(lstat(join(home, 'job', 'j'))).rejects.toThrow('ENOENT');
  });

  it('gives only what is its own, also when a folder is changed while it is read', async () => {
    const asked = await order({ outputs: ['d'] });
    await open().stage(asked, nothing, never);
    expect(another(`mkdir ${work}/d && echo a > ${work}/d/a && echo k > ${work}/d/key`)).toBe(0);
    const swapping: DiskBlobs = {
      ...blobs,
      putFile: async (path, owner) => {
        const blob = await blobs.putFile(path, owner);
        if (path.endsWith('/d/a'))
          expect(another(`mv ${work}/d ${work}/e && ln -s ${secret} ${work}/d`)).toBe(0);
        return blob;
      },
    };
    const { outputs, missing } = await open({ blobs: swapping }).collect(asked, nothing, never);
    expect(outputs.map(({ path }) => path)).toEqual(['d/a']);
    expect(missing).toEqual(['d/key']);
  });

  it('brings secrets for its account alone, and takes none back', async () => {
    const secrets = [
      { path: './.ssh/key', text: 'KEY\n' },
      { path: 'in', text: 'in place of an input' },
    ];
    const asked = await order({ outputs: ['.ssh', 'in', 'out'], secrets });
    await open().stage(asked, nothing, never);
    const found = await lstat(join(work, '.ssh', 'key'));
    expect([found.mode & 0o777, found.uid, found.gid]).toEqual([0o600, account.uid, account.gid]);
    expect(await readFile(join(work, '.ssh', 'key'), 'utf8')).toBe('KEY\n');
    expect(await readFile(join(work, 'in'), 'utf8')).toBe('in place of an input');
    expect(another(`cd ${work} && echo x >.ssh/known && echo y >out`)).toBe(0);
    const { outputs, missing } = await open().collect(asked, nothing, never);
    expect(outputs.map(({ path }) => path)).toEqual(['.ssh/known', 'out']);
    expect(missing).toEqual(['in']);
    const log = await order({ stdout: 'a/log', secrets: [{ path: 'a/./log', text: 'x' }] });
    await expect(open().stage(log, nothing, never)).rejects.toThrow('a secret and a log');
    const out = await order({ secrets: [{ path: '../script', text: 'x' }] });
    await expect(open().stage(out, nothing, never)).rejects.toThrow('leads out');
  });

  it('shows no log through a link that the job put in place of a folder', async () => {
    const asked = await order({ stdout: 'logs/key' });
    const { stdout } = await open().stage(asked, nothing, never);
    expect(another(`echo mine > ${stdout}`)).toBe(0);
    const source = {
      path: stdout,
      owner: account.uid,
      isFinal: () => true,
      onFinal: () => nothing,
    };
    const read = (): Promise<string> => text(followFile(source, 0, false, never));
    expect(await read()).toBe('mine\n');
    expect(another(`cd ${work} && mv logs x && ln -s ${secret} logs`)).toBe(0);
    expect(await read()).toBe('');
  });
});

describe('what a job is to give', () => {
  /** What is taken by these patterns from a place that was filled by this command. */
  const given = async (outputs: readonly string[], command: string) => {
    const asked = await order({ outputs, inputs: [] });
    const place = open({ accountOf: async () => undefined });
    const { directory } = await place.stage(asked, nothing, never);
    expect(spawnSync('/bin/sh', ['-c', command], { cwd: directory }).status).toBe(0);
    const found = await place.collect(asked, nothing, never);
    return [found.outputs.map(({ path }) => path), found.missing];
  };

  it('is what its patterns match, folders as a whole, each file once', async () => {
    const made = 'mkdir -p r/d .h e && touch r/1.dat r/2.dat r/d/.x r/d/3.dat .h/4.dat "*"';
    expect(await given(['r/*', '**/*.dat', 'e', 'no*', '\\*', 'r/1.dat'], made)).toEqual([
      ['r/1.dat', 'r/2.dat', 'r/d/.x', 'r/d/3.dat', '*'],
      ['e', 'no*'],
    ]);
  });

  it('never lies outside, whatever links there are', async () => {
    const out = join(home, 'out');
    await mkdir(join(out, 'f'), { recursive: true });
    await writeFile(join(out, 'f', 'x'), 'secret');
    const made = `ln -s ${out} l && ln -s ${out}/f/x x && ln -s . here && touch own && ln -s own o`;
    expect(await given(['*', 'l/*', 'l/f/x', 'x', '**/x', 'here/*', '../../*'], made)).toEqual([
      ['own'],
      ['l/*', 'l/f/x', 'x', '**/x', 'here/*', '../../*'],
    ]);
  });
});

asRoot('removing what jobs own', () => {
  it('removes folders in folders, closed ones too, and follows no link', async () => {
    const place = open();
    await place.stage(await order(), nothing, never);
    const deep = `mkdir -p a/b/c && : > a/b/c/f && chmod 0 a/b/c && ln -s ${secret} l`;
    expect(another(`cd ${work} && ${deep}`)).toBe(0);
    await removeShared(join(home, 'job'));
    await expect(lstat(join(home, 'job'))).rejects.toThrow('ENOENT');
    await isUntouched();
  });

  it('is content when nothing is there', async () => {
    await removeShared(join(home, 'nothing'));
  });
});

asRoot('a place of an ordinary user', () => {
  afterEach(() => process.seteuid?.(0));

  it('is filled again after a kill, also with what is for reading only', async () => {
    const asked = await order();
    const inputs = asked.inputs.map((input) => ({ ...input, mode: 0o444 }));
    spawnSync('chown', ['-R', `${account.uid}:${account.gid}`, home]);
    const place = open({ accountOf: async () => undefined });
    process.seteuid?.(account.uid);
    for (let times = 0; times < 2; times++) {
      const { directory, script } = await place.stage({ ...asked, inputs }, nothing, never);
      expect(await readFile(join(directory, 'in'), 'utf8')).toBe('input');
      expect(await readFile(script, 'utf8')).toBe('#!/bin/sh\n');
    }
  });
});
