import { existsSync } from 'node:fs';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gate, Partition, PartitionOrder } from '../../src/actors/ports.ts';
import { Failed, Malformed } from '../../src/protocol/errors.ts';
import { orderOf } from '../ports/gate.suite.ts';
import { eventually, type LocalWorld, localWorld } from './local-world.ts';

const { signal } = new AbortController();

/** A worker that writes its arguments and environment, then does as it is told. */
const worker = (then: string): readonly string[] => [
  '/bin/sh',
  '-c',
  `echo "$@" >>args; env >env.new; mv env.new env; ${then}`,
  'worker',
];
const forever = 'while :; do sleep 60; done';

describe('the local gate', () => {
  let world: LocalWorld;
  beforeEach(async () => {
    world = await localWorld();
  });
  afterEach(() => world.close());

  const folderOf = ({ name, nodes }: PartitionOrder): string =>
    join(world.spool, 'gates/local', name, nodes[0]!);
  const read = (order: PartitionOrder, file: string): Promise<string> =>
    readFile(join(folderOf(order), file), 'utf8').catch(() => '');
  const statusOf = async (gate: Gate, { name }: PartitionOrder): Promise<string> =>
    (await gate.find(name, signal))?.status ?? 'none';
  const modeOf = async (path: string): Promise<string> =>
    ((await stat(path)).mode & 0o777).toString(8);
  const killInit = async (order: PartitionOrder): Promise<void> => {
    process.kill(Number((await read(order, 'init')).split(' ')[0]), 'SIGKILL');
  };

  it('gives each worker its own folder, config and secret, and nothing else', async () => {
    process.env['AZURE_CLIENT_SECRET'] = 'head-only';
    const gate = await world.openWith({}, worker(forever));
    const order = orderOf({ nodes: ['main', 'second'], flavor: 'small' });
    const { addresses } = await gate.create(order, signal);
    await eventually('the worker runs', async () => (await read(order, 'env')) !== '');
    delete process.env['AZURE_CLIENT_SECRET'];

    const folder = folderOf(order);
    expect(await read(order, 'args')).toBe(`--config ${folder}/swm.yaml --spool ${folder}/spool\n`);
    expect(JSON.parse(await read(order, 'join.json'))).toEqual({
      heads: ['127.0.0.1:1'],
      caFingerprint: 'ab'.repeat(32),
      token: 'token-of-main',
      name: 'main',
      cluster: order.name,
    });
    expect(JSON.parse(await read(order, 'swm.yaml'))).toEqual({
      roles: ['worker'],
      name: 'main',
      cluster: order.name,
      address: addresses['main'],
      join: `${folder}/join.json`,
      resources: { cpus: 2, memoryBytes: 2 * 2 ** 30, gpus: 0 },
    });
    expect(addresses['main']).toMatch(/^127\.78\.\d+\.\d+$/);
    for (const file of ['join.json', 'swm.yaml', 'machine.log', '../.claim.json'])
      expect(await modeOf(`${folder}/${file}`)).toBe('600');
    for (const path of [folder, `${folder}/spool`, `${folder}/..`, `${folder}/../..`])
      expect(await modeOf(path)).toBe('711');
    const env = await read(order, 'env');
    expect(env).toContain(`SWM_MACHINE=here/${order.name}/main\n`);
    expect(env).not.toContain('head-only');
  });

  it('takes back what is spot: it says so first, and ends all on it', async () => {
    const spot = { evictionRate: 1, evictAfterMs: 300, evictionNoticeMs: 2_000 };
    const gate = await world.openWith(spot, worker(forever));
    const order = orderOf();
    await gate.create(order, signal);
    await eventually('it runs', async () => (await read(order, 'env')) !== '');
    const seen = async (): Promise<string> => {
      const { status = 'none', evicted = [] } = (await gate.find(order.name, signal)) ?? {};
      return `${status} ${evicted}`;
    };
    await eventually('it is told', async () => (await seen()) === `succeeded ${order.nodes}`);
    expect(await world.processes()).not.toEqual([]);
    await eventually('it is taken', async () => (await seen()) === `failed ${order.nodes}`);
    expect(await world.processes()).toEqual([]);
    const kept = await world.openWith({}, worker(forever));
    expect(await kept.create(orderOf(), signal)).not.toHaveProperty('evicted');
    const lucky = await world.openWith({ ...spot, evictionRate: 1e-12 }, worker(forever));
    const stays = await lucky.create(orderOf(), signal);
    expect(stays.evicted).toEqual([]);
  });

  it('starts a worker again that died, and not one of a machine that is halted', async () => {
    const gate = await world.openWith({}, worker('echo $$ >>pids; exec sleep 60'));
    const order = orderOf();
    await gate.create(order, signal);
    const pids = async () => (await read(order, 'pids')).split('\n').filter(Boolean).map(Number);
    for (let lives = 1; lives <= 3; lives++) {
      await eventually('it lives again', async () => (await pids()).length === lives);
      process.kill((await pids())[lives - 1]!, 'SIGKILL');
    }
    expect(await statusOf(gate, order)).toBe('succeeded');
    expect(await read(order, 'machine.log')).toContain('the worker ended with 137');
    await eventually('it lives again', async () => (await pids()).length === 4);
    await writeFile(join(folderOf(order), 'halt'), '');
    process.kill((await pids())[3]!, 'SIGTERM');
    await eventually('the machine is off', async () => (await world.processes()).length === 0);
  });

  it('kills whatever ran in a machine, however it hid, as whoever it ran', async () => {
    const hidden = [
      'setsid sh -c "trap \\"\\" TERM HUP INT; while :; do sleep 60; done" &',
      '(setsid sleep 60 & ) &',
      'while :; do sleep 0.01 & sleep 0.01; done &',
    ];
    const root = process.getuid?.() === 0;
    if (root) hidden.push('setpriv --reuid=65534 --clear-groups sleep 60 &');
    const gate = await world.openWith({}, worker(`${hidden.join('\n')}\nkill -STOP $$`));
    const order = orderOf();
    const { externalId } = await gate.create(order, signal);
    await eventually('all of them run', async () => (await world.processes()).length >= 6);
    await gate.remove(externalId, signal);
    expect(await world.left()).toEqual([]);
  });

  it('kills also what washed its environment, where it may make control groups', async () => {
    const washed = 'env -i /bin/sh -c "echo \\$\\$ >washed; exec sleep 60" &';
    const gate = await world.openWith({}, worker(`${washed}\n${forever}`));
    const order = orderOf();
    const { externalId } = await gate.create(order, signal);
    await eventually('it runs', async () => (await read(order, 'washed')).endsWith('\n'));
    const pid = Number(await read(order, 'washed'));
    const inside = await readFile(`/proc/${pid}/cgroup`, 'utf8');
    // What the worker has below, as its slots do.
    const groups = JSON.parse(await read(order, 'groups')) as string[];
    const init = (await read(order, 'init')).split(' ')[0];
    if (inside.includes('/swm-machine.'))
      expect(await readFile(`/proc/${init}/cgroup`, 'utf8')).toMatch(/\/swm-machine\..*\/init$/m);
    for (const group of groups)
      await mkdir(join(group, 'worker/swm.slot/deep'), { recursive: true });
    await gate.remove(externalId, signal);
    // The dead may wait in /proc for whoever reaps them, but have no program any more.
    const alive = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')) !== '';
    if (alive) process.kill(pid, 'SIGKILL');
    expect(alive).toBe(!inside.includes('/swm-machine.'));
    expect(groups.filter((group) => existsSync(group))).toEqual([]);
  });

  it('removes folders that jobs made hard to remove', async () => {
    const gate = await world.openWith({}, worker(`mkdir -p a/b/c && chmod 0 a/b a\n${forever}`));
    const order = orderOf();
    const { externalId } = await gate.create(order, signal);
    await eventually('it is done', async () => (await read(order, 'env')) !== '');
    await gate.remove(externalId, signal);
    expect(await world.left()).toEqual([]);
  });

  it('tells of a machine that crashed, and does not pretend to mend it', async () => {
    const gate = await world.open();
    const order = orderOf({ nodes: ['main', 'second'] });
    const made = await gate.create(order, signal);
    await killInit(order);
    await eventually('it is noticed', async () => (await statusOf(gate, order)) === 'failed');
    const again: Partition = await gate.create(order, signal);
    expect(again).toMatchObject({
      externalId: made.externalId,
      status: 'failed',
      description: 'crashed: main',
    });
    await gate.remove(made.externalId, signal);
    expect(await world.left()).toEqual([]);
  });

  it('does not take another process for its machine after a reboot', async () => {
    const gate = await world.open();
    const order = orderOf();
    const { externalId } = await gate.create(order, signal);
    const init = await read(order, 'init');
    const [pid, ticks] = init.split(' ');
    for (const other of [
      `${pid} ${ticks} 00000000-0000-4000-8000-000000000000\n`,
      init.replace(pid!, String(process.pid)),
    ]) {
      await writeFile(join(folderOf(order), 'init'), other);
      expect(await statusOf(gate, order)).toBe('failed');
    }
    await gate.remove(externalId, signal);
    expect(await world.left()).toEqual([]);
  });

  it('boots slowly when told to, and the worker starts only then', async () => {
    const gate = await world.openWith({ bootDelayMs: 300 }, worker(forever));
    const order = orderOf();
    const begun = Date.now();
    expect((await gate.create(order, signal)).status).toBe('creating');
    expect(await read(order, 'env')).toBe('');
    await eventually('it is up', async () => (await statusOf(gate, order)) === 'succeeded');
    await eventually('the worker runs', async () => (await read(order, 'env')) !== '');
    expect(Date.now() - begun).toBeGreaterThanOrEqual(300);
  });

  it('fails when told to, with the words that it was given', async () => {
    const gate = await world.openWith({ failureRate: 1, failureText: 'No cores left in Utopia.' });
    const order = orderOf();
    const { externalId } = await gate.create(order, signal);
    expect(await gate.find(order.name, signal)).toMatchObject({
      status: 'failed',
      description: 'No cores left in Utopia.',
    });
    expect(await world.processes()).toEqual([]);
    await gate.remove(externalId, signal);
    expect(await world.left()).toEqual([]);
  });

  it('refuses names that could be anything but a folder', async () => {
    const gate = await world.open();
    const bad: Partial<PartitionOrder>[] = [
      { name: '../../etc' },
      { name: 'swm-' },
      { name: 'swm-a/b' },
      { name: `swm-${'a'.repeat(80)}` },
      { name: 'SWM-AAAA' },
      { nodes: ['..'] },
      { nodes: ['a/b'] },
      { nodes: ['.claim.json'] },
      { nodes: ['a\nb'] },
      { nodes: [] },
      { nodes: ['a', 'a'] },
      { installation: 'a/b' },
      { installation: '' },
    ];
    for (const changes of bad) {
      const made = gate.create(orderOf(changes), signal);
      const error = await made.catch((why: unknown) => why);
      expect(error, JSON.stringify(changes)).toBeInstanceOf(Failed);
      expect((error as Failed).failure.code).toBe('impossible');
    }
    const order = orderOf();
    const noToken = { ...order, bootstrap: { ...order.bootstrap, tokens: {} } };
    await expect(gate.create(noToken, signal)).rejects.toThrow('no token');
    expect(await gate.find('../../etc', signal)).toBeUndefined();
    await gate.remove('local/../../etc', signal);
    for (const { externalId } of await gate.list(signal)) await gate.remove(externalId, signal);
    expect(await world.left()).toEqual([]);
  });

  it('refuses settings that do not fit, and says where', async () => {
    const rows: readonly [object, string][] = [
      [{ clusters: -1 }, '$.remotes.local.clusters'],
      [{ flavors: { tiny: { cpus: 1, memory: 'plenty' } } }, '$.remotes.local.flavors.tiny.memory'],
      [{ flavors: { tiny: { memory: '1GiB' } } }, '$.remotes.local.flavors.tiny'],
      [{ flavors: {} }, '$.remotes.local.flavors'],
      [{ failureRate: 2 }, '$.remotes.local.failureRate'],
      [{ bootDelay: 5 }, '$.remotes.local.bootDelay'],
      [{ folder: 'here' }, '$.remotes.local.folder'],
    ];
    for (const [settings, at] of rows) {
      const error = await world.openWith(settings).catch((why: unknown) => why);
      expect(error, JSON.stringify(settings)).toBeInstanceOf(Malformed);
      expect((error as Malformed).at).toBe(at);
    }
    const flavors = { odd: { cpus: 3, memory: '1.5GiB', storage: 1000, price: 2 } };
    const gate = await world.openWith({ flavors, images: ['one', 'two'], kind: 'local' });
    expect(await gate.flavors(signal)).toEqual([
      {
        name: 'odd',
        resources: { cpus: 3, memoryBytes: 1.5 * 2 ** 30, gpus: 0 },
        storageBytes: 1000,
        price: 2,
      },
    ]);
    expect((await gate.images(signal)).map(({ name }) => name)).toEqual(['one', 'two']);
  });

  it('is one site for several heads that share its folder', async () => {
    const folder = join(world.spool, 'shared');
    const made = await (await world.openWith({ folder })).create(orderOf(), signal);
    const other = await localWorld({ folder });
    const theirs = await other.open();
    expect(await theirs.list(signal)).toEqual([made]);
    await other.close();
    expect(await (await world.openWith({ folder })).list(signal)).toEqual([]);
    expect(await world.processes()).toEqual([]);
  });

  it('says that a claim is damaged rather than that there is none', async () => {
    const gate = await world.open();
    const order = orderOf();
    await gate.create(order, signal);
    const claim = join(world.spool, 'gates/local', order.name, '.claim.json');
    const good = await readFile(claim);
    await writeFile(claim, '{');
    await expect(gate.find(order.name, signal)).rejects.toThrow('is damaged');
    await expect(gate.list(signal)).rejects.toThrow('is damaged');
    await writeFile(claim, good);
  });
});
