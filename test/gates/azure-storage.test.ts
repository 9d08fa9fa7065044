import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { Malformed } from '../../src/protocol/errors.ts';
import type { Machine } from '../azure/site.ts';
import { orderOf } from '../ports/gate.suite.ts';
import { type AzureWorld, azureWorld } from './azure-world.ts';

const { signal } = new AbortController();
/** As nasty as a signature can be where it is written down. */
const SAS = `sv=2026&se=2027-01-01T00%3A00Z&sp=rl&x=\${HOME}$(id)\`id\`'"\\:#{}[]&sig=a%2Bb%3D`;
const IDENTITY =
  '/subscriptions/00000000-0000-4000-8000-000000000000/resourceGroups/swm' +
  '/providers/Microsoft.ManagedIdentity/userAssignedIdentities/swm-data';
const CLIENT = '99999999-8888-4777-8666-555555555555';
const raw = { account: 'accountraw', container: 'raw-1', readOnly: true };

type Files = readonly { readonly path: string; readonly permissions: string; content: string }[];

describe('the storages of a cluster at Azure', () => {
  let world: AzureWorld;
  let sasFile: string;
  beforeEach(async () => {
    world = await azureWorld();
    sasFile = join(world.fake.folder, 'sas');
    await writeFile(sasFile, `?${SAS}\n`, { mode: 0o600 });
  });
  afterEach(() => world.close());
  const identity = { id: IDENTITY, client: CLIENT };
  const storages = () => ({
    raw: { ...raw, sasFile },
    scratch: { account: 'own', container: 'scratch', identity },
  });
  const machines = (): readonly Machine[] => world.fake.site.machines();
  const dataOf = (machine: Machine | undefined) =>
    parse(machine?.order.customData ?? '') as { write_files: Files; runcmd: string[][] };

  it('are mounted by cloud-init before a machine is a worker, and known to no other', async () => {
    const gate = await world.openWith({ storages: storages() });
    expect(gate.storages).toEqual(['raw', 'scratch']);
    const order = orderOf({ storages: ['raw', 'scratch'] });
    await gate.create(order, signal);
    const [machine] = machines();
    const { write_files: files, runcmd } = dataOf(machine);
    const added = files.filter(({ path }) => /storage/.test(path));
    expect(added.map(({ path, permissions }) => `${permissions} ${path}`)).toEqual([
      '0600 /opt/swm/storages/raw.yaml',
      '0600 /opt/swm/storages/scratch.yaml',
      '0755 /opt/swm/mount-storages',
      '0644 /etc/systemd/system/swm-storages.service',
    ]);
    const common = {
      'allow-other': true,
      logging: { type: 'syslog', level: 'log_warning' },
      components: ['libfuse', 'file_cache', 'attr_cache', 'azstorage'],
    };
    expect(added.slice(0, 2).map(({ content }) => parse(content))).toEqual([
      {
        ...common,
        'read-only': true,
        file_cache: { path: '/mnt/swm/.cache/raw' },
        azstorage: {
          type: 'block',
          'account-name': 'accountraw',
          container: 'raw-1',
          endpoint: 'https://accountraw.blob.core.windows.net',
          mode: 'sas',
          sas: SAS,
        },
      },
      {
        ...common,
        'read-only': false,
        file_cache: { path: '/mnt/swm/.cache/scratch' },
        azstorage: {
          type: 'block',
          'account-name': 'own',
          container: 'scratch',
          endpoint: 'https://own.blob.core.windows.net',
          mode: 'msi',
          appid: CLIENT,
        },
      },
    ]);
    expect(runcmd).toEqual([['/opt/swm/begin', '', '']]);
    const unit = files.find(({ path }) => path.endsWith('/swm-worker.service'))?.content;
    expect(unit).toContain('Requires=swm-storages.service\nAfter=swm-storages.service\n');
    expect(added[3]?.content).toContain('\nExecStart=/opt/swm/mount-storages\n');
    expect(machine?.body['identity']).toEqual({
      type: 'UserAssigned',
      userAssignedIdentities: { [IDENTITY]: {} },
    });
    const found = await gate.find(order.name, signal);
    const { tags, things } = [...world.fake.site.groups.values()][0]!;
    const open = JSON.stringify([found, tags, [...things.values()], machine?.body['tags']]);
    expect(open).not.toContain('sig=');
  });

  it('are on machines only whose jobs ask for them, each with its own', async () => {
    const gate = await world.openWith({ storages: storages(), cpus: 99 });
    await gate.create(orderOf(), signal);
    await gate.create(orderOf({ storages: ['raw'] }), signal);
    const [none, one] = machines().map(({ order, body }) => [order.customData, body['identity']]);
    expect(none?.[0]).not.toMatch(/storages\.service|blobfuse2 mount/);
    expect(none?.[0]).not.toContain('accountraw');
    expect(one?.[0]).toContain('accountraw');
    expect(one?.[0]).not.toContain('scratch');
    expect([none?.[1], one?.[1]]).toEqual([undefined, undefined]);
  });

  it('take a token that was replaced meanwhile, and tell of one that is none', async () => {
    const gate = await world.openWith({ storages: storages(), cpus: 99 });
    await writeFile(sasFile, 'sv=1&sig=new');
    await gate.create(orderOf({ storages: ['raw'] }), signal);
    expect(machines()[0]?.order.customData).toContain('sv=1&sig=new');
    const refused = async (text: string, mode: number) => {
      await writeFile(sasFile, text);
      await chmod(sasFile, mode);
      const order = orderOf({ storages: ['raw'] });
      const why = (await gate.create(order, signal).catch((error) => error)).failure;
      expect(why).toMatchObject({ code: 'refused', retry: false });
      expect(await gate.find(order.name, signal)).toBeUndefined();
      return why.text;
    };
    expect(await refused('my key', 0o600)).toBe(`${sasFile} has no shared access signature`);
    expect(await refused('sig=a\nb', 0o600)).not.toContain('sig=a');
    expect(await refused('sv=1&sig=x', 0o640)).toContain(`chmod 600 ${sasFile}`);
    const late = await world.openWith({ storages: storages() }).catch((error) => error);
    expect(late.failure.text).toContain(`chmod 600 ${sasFile}`);
  });

  it('are refused where the site has none of that name', async () => {
    const gate = await world.openWith({ storages: storages() });
    for (const name of ['rax', '__proto__', 'toString']) {
      const order = orderOf({ storages: [name] });
      const why = (await gate.create(order, signal).catch((error) => error)).failure;
      expect(why).toMatchObject({ code: 'impossible' });
      expect(await gate.find(order.name, signal)).toBeUndefined();
    }
  });

  it('are told with the place of what is wrong in the settings', async () => {
    const at = (name: string, given: object): [object, string] => [
      { storages: { [name]: given } },
      `$.remotes.azure.storages.${name}`,
    ];
    const id = `${IDENTITY}"; id; "`;
    const rows: [object, string][] = [
      at('Raw', { ...raw, sasFile }),
      at('../raw', { ...raw, sasFile }),
      at('a b', { ...raw, sasFile }),
      at('a\nb', { ...raw, sasFile }),
      at('-raw', { ...raw, sasFile }),
      at('x'.repeat(33), { ...raw, sasFile }),
      at('raw', raw),
      at('raw', { ...raw, sasFile, identity }),
      [{ storages: { raw: { ...raw, account: 'a;id' } } }, '.raw.account'],
      [{ storages: { raw: { ...raw, container: '../x' } } }, '.raw.container'],
      [{ storages: { raw: { ...raw, sasFile: 'sas' } } }, '.raw.sasFile'],
      [{ storages: { raw: { ...raw, identity: { id, client: CLIENT } } } }, '.raw.identity.id'],
      [{ storages: { raw: { ...raw, sas: SAS } } }, '.raw.sas'],
    ];
    for (const [settings, place] of rows) {
      const error = await world.openWith(settings).catch((why: unknown) => why);
      expect(error, JSON.stringify(settings)).toBeInstanceOf(Malformed);
      expect((error as Malformed).at).toBe(place.replace(/^\./, '$.remotes.azure.storages.'));
      expect(String((error as Malformed).message)).not.toContain('sig=');
    }
  });

  /** A machine with another root than ours, whose commands write down how they are called. */
  async function machine(commands: Readonly<Record<string, string>>) {
    const gate = await world.openWith({ storages: storages() });
    await gate.create(orderOf({ storages: ['raw', 'scratch'] }), signal);
    const home = await mkdtemp(join(tmpdir(), 'swm-storage-'));
    for (const folder of ['bin', 'opt/storages'])
      await mkdir(join(home, folder), { recursive: true });
    for (const { path, permissions, content } of dataOf(machines()[0]).write_files) {
      const [, name] = /^\/opt\/swm\/(mount-storages|storages\/.*)$/.exec(path) ?? [];
      if (name === undefined) continue;
      const text = content.replaceAll('/mnt/swm', `${home}/mnt`);
      await writeFile(join(home, 'opt', name), text, { mode: Number.parseInt(permissions, 8) });
    }
    for (const [name, text] of Object.entries(commands))
      await writeFile(join(home, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    const run = async () => {
      const env = { PATH: `${home}/bin:/usr/bin:/bin`, SAID: join(home, 'said') };
      const { status } = spawnSync(join(home, 'opt/mount-storages'), { env, cwd: '/' });
      const said = await readFile(env.SAID, 'utf8').catch(() => '');
      return [status, ...said.replaceAll(home, '').trim().split('\n')];
    };
    return { run, remove: () => rm(home, { recursive: true }) };
  }
  const MOUNTS = ['raw', 'scratch'].map(
    (name) => `mount /mnt/${name} --config-file=/opt/storages/${name}.yaml`,
  );
  const mountpoint = 'grep -q "mount $2 " "$SAID" 2>/dev/null';

  it('are each mounted once, also where it has to be tried again', async () => {
    const flaky = '[ -e "$0.tried" ] || { : >"$0.tried"; exit 1; }\necho "$*" >>"$SAID"';
    const { run, remove } = await machine({
      mountpoint,
      blobfuse2: `[ -d "$2" ] || exit 1\n${flaky}`,
      sleep: 'echo "sleep $1" >>"$SAID"',
    });
    expect(await run()).toEqual([0, 'sleep 10', ...MOUNTS]);
    expect(await run()).toEqual([0, 'sleep 10', ...MOUNTS]);
    await remove();
  });

  it('make the machine no worker if they cannot be had', async () => {
    const { run, remove } = await machine({
      mountpoint,
      blobfuse2: 'exit 1',
      sleep: 'echo s >>"$SAID"',
    });
    expect(await run()).toEqual([1, ...Array<string>(29).fill('s')]);
    await remove();
  });
});
