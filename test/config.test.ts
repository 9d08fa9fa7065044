import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.ts';

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swm-config-'));
  file = join(folder, 'swm.yaml');
});
afterEach(() => rm(folder, { recursive: true }));

type Given = { env?: Record<string, string>; flags?: Record<string, string>; dev?: boolean };

const read = async (text: string | Uint8Array | undefined, given: Given = {}) => {
  if (text !== undefined) await writeFile(file, text);
  const { env = {}, flags = {}, dev = false } = given;
  return readConfig({ dev, file: undefined, spoolFile: file, env, flags });
};

describe('the configuration', () => {
  it('is the defaults, the file, the environment and the flags, in this order', async () => {
    expect(await read(undefined)).toMatchObject({ mesh: { port: 10_001 } });
    expect(await read('# mesh:\n#   port: 7\n')).toMatchObject({ mesh: { port: 10_001 } });
    const text = 'mesh:\n  port: 1\n  host: h\nresources: { cpus: 3 }\n';
    expect(await read(text)).toMatchObject({ mesh: { port: 1, host: 'h' } });
    const env = { SWM_MESH_PORT: '2', SWM_ACCOUNT: 'x', SWM_JOB_ID: 'y' };
    expect(await read(text, { env })).toMatchObject({ mesh: { port: 2, host: 'h' } });
    const flags = { 'mesh.port': '3' };
    const last = await read(text, { env, flags, dev: true });
    expect(last).toMatchObject({ mesh: { port: 3, host: 'h' }, terminals: { port: 0 } });
    expect(last.locate('mesh.port')).toBe('--set mesh.port');
    expect(last.locate('mesh.host')).toBe(`${file}:3:3`);
    expect(last.locate('resources.gpus')).toBe(`${file}:4:1`);
    const keys = ['mesh.port', 'mesh.host', 'resources', 'mesh.advertise', 'name'];
    expect(keys.map(last.isGiven)).toEqual([true, true, true, false, false]);
  });

  it.each([
    ['', '1:1: the file is empty'],
    ['[a]', '1:1: wanted keys and values'],
    ['name: [a\n', '2:1: '],
    ['name: a\nname: b\n', '2:1: Map keys must be unique'],
    [new Uint8Array([0x6e, 0xff, 0x00]), '1:1: is not UTF-8 text'],
    ['mehs:\n  port: 1\n', '1:1: mehs: is unknown; did you mean mesh?'],
    ['jobs:\n  usr: me\n', '2:3: jobs.usr: is unknown; did you mean user?'],
    ['jobs:\n  zzz: me\n', '2:3: jobs.zzz: is unknown; known are user, path, '],
    ['roles: [hed]\n', '1:9: roles.0: must be head or worker'],
    [
      'containers:\n  engine: tcp://127.0.0.1:2375\n',
      '2:3: containers.engine: must be https://HOST:PORT: whoever reaches it owns the machine',
    ],
    [
      'containers:\n  engine: https://h:2376\n  ca: /a\n  cert: b\n  key: /c\n',
      '4:3: containers.cert: must be the absolute path of a file, for containers.engine',
    ],
    [
      'containers:\n  ca: /a\n',
      '2:3: containers.ca: is for an engine by TCP: set containers.engine',
    ],
    [
      'scheduler:\n  accounts:\n    lab: { parent: moon }\n',
      '3:12: scheduler.accounts.lab.parent: there is no account moon',
    ],
    ['scheduler:\n  queues:\n    a: { nods: [x] }\n', '3:10: scheduler.queues.a.nods: is unknown'],
    ['remotes:\n  - kind: local\n', '2:5: remotes.0.name: is missing'],
  ])('refuses %j and says where', async (text, why) => {
    await expect(read(text)).rejects.toThrow(`${file}:${why}`);
  });

  it('tells of everything that is wrong, wherever it stands', async () => {
    const text = 'mesh:\n  port: abc\njobs:\n  usr: me\n';
    const given = { env: { SWM_TERMINALS_PORT: 'x' }, flags: { 'mehs.host': 'y' } };
    const told = await read(text, given).catch((error: Error) => error.message.split('\n'));
    expect((told as string[]).toSorted()).toEqual([
      '--set mehs.host: mehs: is unknown; did you mean mesh?',
      `${file}:2:3: mesh.port: must be integer`,
      `${file}:4:3: jobs.usr: is unknown; did you mean user?`,
      'SWM_TERMINALS_PORT: terminals.port: must be integer',
    ]);
    await expect(read('{}', { flags: { 'mesh.port': '[' } })).rejects.toThrow('--set mesh.port: ');
  });
});
