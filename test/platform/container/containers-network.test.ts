import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { AttemptKey, ProcessOrder } from '../../../src/actors/ports.ts';
import { type Engine, engineFinder } from '../../../src/platform/container/engine.ts';
import { connectJob } from '../../../src/platform/job-port.ts';
import { open, someKey } from '../../ports/processes.suite.ts';
import { readText, until } from '../process-place.ts';
import { startDockerd } from './dockerd.ts';
import { ContainerPlace, type ContainerPlaceOptions } from './place.ts';
import { startPodman } from './podman.ts';
import type { RealEngine } from './real-engine.ts';

const ADDRESS = '127.0.0.1';

let engine: RealEngine;
let place: ContainerPlace;
let processes: Awaited<ReturnType<ContainerPlace['open']>>;
let key: AttemptKey;

afterEach(() => place.clear());

async function begin(options: ContainerPlaceOptions = {}): Promise<void> {
  place = new ContainerPlace(engine, options);
  processes = await place.open();
  key = someKey();
}

const order = (text: string, ...ports: readonly number[]): ProcessOrder => ({
  ...place.script(key, `#!/bin/sh\n${text}\n`),
  reached: { address: ADDRESS, ports },
});

/** Runs a script to its end, and tells what it wrote and what was not kept from it. */
async function run(text: string) {
  const asked = order(text);
  const { unenforced } = await processes.ensure(asked);
  await processes.exited(key, open);
  return { out: readText(asked.stdout), unenforced };
}

/** Something of the machine's own. */
async function listening() {
  const server = createServer((socket) => socket.end('of the machine\n'));
  server.listen(0, ADDRESS);
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
}

describe.each([
  ['Docker', startDockerd],
  ['Podman', startPodman],
])('a container of %s with a network of its own', (_, start) => {
  beforeAll(async () => {
    engine = await start();
  });
  afterAll(() => engine.end());

  /** All that comes from a port, by the way that connections from elsewhere take. */
  const hear = async (port: number, listenMs?: number): Promise<string> => {
    const to = () => ({ host: place.addressOf(key) ?? '', port });
    let text = '';
    const socket = await connectJob(to, key.job, port, () => false, listenMs);
    for await (const part of socket) text += part;
    return text;
  };
  const found = () => until('it is known where', () => place.addressOf(key) !== undefined);

  it('is reached at its port, at first by those who wait, then in all lives', async () => {
    await begin();
    const { port, close } = await listening();
    close();
    const serve = `while :; do nc -l -p ${port} -e echo of the job; done`;
    await processes.ensure(order(`until [ -e go ]; do sleep 0.05; done\n${serve}`, port));
    await found();
    await expect(hear(port, 0)).rejects.toThrow('nothing listens');
    const early = hear(port);
    writeFileSync(join(place.work, 'go'), '');
    expect(await early).toBe('of the job\n');
    processes.close();
    processes = await place.open();
    processes.exited(key, open).catch(() => {});
    await found();
    expect(await hear(port)).toBe('of the job\n');
    const { Ports = [] } = (await engine.docker.listContainers())[0] ?? {};
    expect(Ports).toEqual([{ IP: ADDRESS, PrivatePort: port, PublicPort: port, Type: 'tcp' }]);
    await processes.stop(key, 0);
    expect(place.addressOf(key)).toBeUndefined();
  });

  it('reaches no loopback address of its machine, but where the operator says so', async () => {
    const { port, close } = await listening();
    const ask = `nc -w 2 ${ADDRESS} ${port} </dev/null || echo nobody`;
    await begin();
    expect(await run(ask)).toEqual({ out: 'nobody\n', unenforced: [] });
    await place.clear();
    await begin({ network: 'node' });
    const unenforced = ['the network of its container is that of this node'];
    expect(await run(ask)).toEqual({ out: 'of the machine\n', unenforced });
    close();
  });

  it('shares it with the others of its worker, and leaves it to none', async () => {
    await begin();
    const { docker } = engine;
    const names = async () =>
      (await docker.listNetworks({ filters: { label: [`swm.installation=${place.root}`] } })).map(
        ({ Labels }) => Labels?.['swm.records'],
      );
    const other = join(place.root, 'other');
    mkdirSync(other);
    const Labels = { 'swm.installation': place.root, 'swm.records': other };
    await docker.createNetwork({ Name: `swm-other-${key.job}`, Labels });
    const both = [key, someKey()].map(async (each) => {
      await processes.ensure({ ...order('exit 0'), key: each });
      await processes.exited(each, open);
    });
    await Promise.all(both);
    expect((await names()).sort()).toEqual([other, place.records].sort());
    rmSync(other, { recursive: true });
    processes.close();
    processes = await place.open();
    key = someKey();
    await run('exit 0');
    while ((await names()).length > 1) await sleep(20);
    expect(await names()).toEqual([place.records]);
  });

  it('that the engine cannot make is no reason to have another', async () => {
    const docker = Object.create(engine.docker) as Engine['docker'];
    docker.createNetwork = async () => {
      throw Object.assign(new Error('no iptables here'), { statusCode: 500 });
    };
    await begin({ find: async () => ({ ...(await engineFinder(engine.socket)()), docker }) });
    const why =
      'the container engine cannot make a network: no iptables here; ' +
      'mend that, or let containers have the node’s: containers.network';
    await expect(processes.ensure(order('exit 0'))).rejects.toThrow(why);
    expect(await place.containers()).toEqual([]);
  });
});

describe('containers of an engine with a firewall', () => {
  beforeAll(async () => {
    engine = await startDockerd('apart');
  });
  afterAll(() => engine.end());

  it('do not reach one another', async () => {
    await begin();
    const serve = 'while :; do nc -l -p 7000 -e echo reached; done &';
    const ask = (host: string): string => `nc -w 1 ${host} 7000 </dev/null`;
    await processes.ensure(
      order(`${serve}\nuntil ${ask('127.0.0.1')} >ready; do sleep 0.05; done\nwait`),
    );
    await until('it serves', () => readText(join(place.work, 'ready')) === 'reached\n');
    const [first, to] = [key, place.addressOf(key)];
    expect(to).toMatch(/^\d/);
    key = someKey();
    expect((await run(`${ask(to ?? '')} || echo nobody`)).out).toBe('nobody\n');
    await processes.stop(first, 0);
  });
});
