import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Archive, archiveOf } from '../../../src/gates/bootstrap/archive.ts';
import {
  bringProgram,
  checkPlace,
  clearMachine,
  look,
  type Machine,
  startWorker,
} from '../../../src/gates/bootstrap/machine.ts';
import { openSession, type SshSession } from '../../../src/platform/ssh/session.ts';
import { bearers, runningWith } from '../../e2e/machine.ts';
import { until } from '../../platform/wait.ts';
import { makeHost, type SshHost } from '../../sshd/sshd.ts';

/** A worker of a few lines: it has a child that forgets its mark, and one that goes elsewhere. */
const worker = `#!/bin/sh
env -i sleep 1000.0 &
(cd / && exec sleep 1000.1) &
exec sleep 1000.2
`;

let root: string;
let archive: Archive;
let host: SshHost;
let session: SshSession;
let machine: Machine;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'swm-machine-'));
  mkdirSync(join(root, 'bin'));
  writeFileSync(join(root, 'bin/swm'), worker);
  chmodSync(join(root, 'bin/swm'), 0o755);
  writeFileSync(join(root, 'ballast'), randomBytes(1 << 20));
  execFileSync('tar', ['-czf', join(root, 'archive'), '-C', root, 'bin', 'ballast']);
  archive = await archiveOf({ given: join(root, 'archive'), folder: root })();
  host = await makeHost();
  await host.start();
  const hostKeys = { known: async () => undefined, learn: async () => {} };
  session = await openSession({ ...host, hostKeys }, new AbortController().signal);
});
beforeEach(() => {
  const life = crypto.randomUUID();
  const place = { ...host, hostKeys: { known: async () => undefined, learn: async () => {} } };
  const folder = join(host.directory, 'lease', life, 'node');
  mkdirSync(join(folder, '..'), { recursive: true });
  machine = { place, directory: host.directory, folder, mark: `here/swm-1/${life}`, config: {} };
});
afterEach(async () => {
  await clearMachine(session, machine);
  rmSync(host.directory, { recursive: true, force: true });
});
afterAll(async () => {
  session.end();
  await host.close();
  rmSync(root, { recursive: true, force: true });
});

const program = (): string => join(host.directory, `worker-${archive.sha256.slice(0, 16)}`);
const part = (): string => join(host.directory, `.worker-${archive.sha256.slice(0, 16)}.part`);
const found = () => look(session, machine, 'head-1', archive);
const bring = async (quarters: number[] = []): Promise<void> =>
  bringProgram(session, machine, 'n', archive, (await found()).partBytes, (quarter) =>
    quarters.push(quarter),
  );
const order = {
  partition: 'swm-1',
  node: 'n',
  address: '10.0.0.1',
  bootstrap: { heads: ['head:10001'], caFingerprint: 'f', tokens: { n: "it's $secret" } },
};
const start = (tunnel: string): Promise<void> =>
  startWorker(session, machine, order, { head: 'head-1', tunnel, archive });
const workers = (): readonly number[] =>
  bearers(`SWM_MACHINE=${machine.mark}\0`).filter((pid) => runningWith('1000.2').includes(pid));

describe('the program of a worker', () => {
  it('is brought and unpacked, with news of how far it is, and is there from then on', async () => {
    expect(await found()).toEqual({ hasProgram: false, partBytes: 0, tunnelPort: 0 });
    const quarters: number[] = [];
    await bring(quarters);
    expect(quarters).toEqual([1, 2, 3]);
    expect((await found()).hasProgram).toBe(true);
    expect(readFileSync(join(program(), 'bin/swm'), 'utf8')).toBe(worker);
    const names = readdirSync(host.directory).toSorted();
    expect(names).toEqual(['lease', 'swm-worker.tar.gz', program().split('/').at(-1)]);
  });

  it('is gone on with where it was cut, and begun anew where what arrived is wrong', async () => {
    const bytes = readFileSync(archive.path);
    writeFileSync(part(), bytes.subarray(0, bytes.length - 1_000));
    const quarters: number[] = [];
    await bring(quarters);
    expect([quarters, (await found()).hasProgram]).toEqual([[], true]);
    rmSync(program(), { recursive: true });
    writeFileSync(part(), Buffer.alloc(1_000));
    await expect(bring()).rejects.toMatchObject({
      failure: { code: 'input_corrupt', retry: true },
    });
    expect(existsSync(program())).toBe(false);
    await bring();
    expect((await found()).hasProgram).toBe(true);
  });
});

describe('a worker on a machine', () => {
  it('is started once, with its secrets for nobody else to read', async () => {
    await bring();
    await start('127.0.0.1:10002');
    await until('a worker', () => workers().length === 1);
    const [first] = workers();
    const file = (name: string): string => join(machine.folder, name);
    for (const name of ['join.json', 'swm.yaml'])
      expect(statSync(file(name)).mode & 0o777).toBe(0o600);
    expect(JSON.parse(readFileSync(file('join.json'), 'utf8'))).toEqual({
      heads: ['127.0.0.1:10002', 'head:10001'],
      caFingerprint: 'f',
      token: "it's $secret",
      name: 'n',
      cluster: 'swm-1',
    });
    expect(JSON.parse(readFileSync(file('swm.yaml'), 'utf8'))).toMatchObject({
      roles: ['worker'],
      name: 'n',
      cluster: 'swm-1',
      address: '10.0.0.1',
      tunnels: file('tunnels'),
    });
    // Another head, or the same one after a restart: the worker hears of its way, and runs on.
    rmSync(file('join.json'));
    await start('127.0.0.1:10003');
    expect(workers()).toEqual([first]);
    expect(existsSync(file('join.json'))).toBe(false);
    expect((await found()).tunnelPort).toBe(10_003);
  });

  it('is started again where its init is gone, as after the machine was down', async () => {
    await bring();
    await start('');
    await until('a worker', () => workers().length === 1);
    const init = join(machine.folder, 'init');
    const [pid = 0] = readFileSync(init, 'utf8').split(' ').map(Number);
    const all = bearers(`SWM_MACHINE=${machine.mark}\0`);
    process.kill(pid, 'SIGKILL');
    for (const each of all) if (each !== pid) process.kill(each, 'SIGKILL');
    await until('nothing', () => bearers(`SWM_MACHINE=${machine.mark}\0`).length === 0);
    await start('');
    await until('another worker', () => workers().length === 1);
    expect(readFileSync(init, 'utf8').split(' ')[0]).not.toBe(String(pid));
  });

  it('is cleared with all that it ever began, and not begun anew by who comes late', async () => {
    await bring();
    await start('');
    const all = ['1000.0', '1000.1', '1000.2'];
    await until('all of it', () => all.every((word) => runningWith(word).length > 0));
    await clearMachine(session, machine);
    expect(all.flatMap((word) => runningWith(word))).toEqual([]);
    expect(existsSync(machine.folder)).toBe(false);
    await clearMachine(session, machine);
    rmSync(join(machine.folder, '..'), { recursive: true });
    await expect(start('')).rejects.toMatchObject({ failure: { code: 'site_error' } });
    expect(existsSync(join(machine.folder, '..'))).toBe(false);
    expect(workers()).toEqual([]);
  });
});

it('a place on a machine is plain, or it is none', () => {
  expect(checkPlace('/opt/swm-2/x.y', 'at')).toBe('/opt/swm-2/x.y');
  for (const path of ['opt', '/', '/opt/../etc', '/a b', '/a*', '/.hidden', "/a'", '/a\n', '/-x'])
    expect(() => checkPlace(path, '$.directory')).toThrow('$.directory');
});
