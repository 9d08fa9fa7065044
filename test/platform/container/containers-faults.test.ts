import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Processes } from '../../../src/actors/ports.ts';
import { type Engine, engineFinder } from '../../../src/platform/container/engine.ts';
import { codeOf, open, someKey } from '../../ports/processes.suite.ts';
import { until } from '../process-place.ts';
import { startDockerd } from './dockerd.ts';
import { ContainerPlace, type ContainerPlaceOptions } from './place.ts';
import type { RealEngine } from './real-engine.ts';

describe('a container engine', () => {
  let engine: RealEngine;
  let place: ContainerPlace;
  let processes: Processes & { close(): void };

  beforeAll(async () => {
    engine = await startDockerd();
  });
  afterAll(() => engine.end());
  afterEach(async () => {
    processes.close();
    await place.clear();
  });

  const at = async (options: ContainerPlaceOptions = {}): Promise<void> => {
    place = new ContainerPlace(engine, options);
    processes = await place.open();
  };

  it('that starts anew takes its containers with it, which are lost', async () => {
    await at();
    const key = someKey();
    await processes.ensure(place.order(key, { is: 'lasts', deaf: false }));
    await place.underWay(key);
    const exited = processes.exited(key, open);
    await engine.restart();
    expect(await exited).toMatchObject({ lost: true });
    expect(place.notes).toContain('a container cannot be seen to; trying again');
    expect([await place.containers(), place.starts(key)]).toEqual([[], 1]);
    const again = someKey();
    await processes.ensure(place.order(again, { is: 'exits', code: 5 }));
    expect(await processes.exited(again, open)).toMatchObject({ code: 5, lost: false });
  });

  it('that is not there is told with what to do, and a stop does not wait for it', async () => {
    const socket = `${engine.socket}.none`;
    await at({ find: engineFinder(socket) });
    const key = someKey();
    const order = place.order(key, { is: 'exits', code: 0 });
    const why = `no container engine listens at ${socket}: install docker or podman on this node`;
    await expect(processes.ensure(order)).rejects.toThrow(why);
    await processes.stop(key, 0);
    expect(await codeOf(processes.ensure(order))).toBe('refused');
  });

  it('that starts a container when its lease has run out starts nothing of it', async () => {
    const held = Promise.withResolvers<void>();
    await at({ find: async () => startsAfter(await engineFinder(engine.socket)(), held.promise) });
    const key = someKey();
    await processes.renew(key, processes.bootMs() + 700);
    const started = codeOf(processes.ensure(place.order(key, { is: 'lasts', deaf: true })));
    await until('the guard has seen to it', () => place.record(key).includes('lease_out'));
    held.resolve();
    expect(await started).toBe('lost');
    await processes.stop(key, 0);
    expect([await place.containers(), place.starts(key)]).toEqual([[], 0]);
  });

  it('has a container killed whose worker is no more, when its lease has run out', async () => {
    await at();
    const key = someKey();
    await processes.renew(key, processes.bootMs() + 20_000);
    await processes.ensure(place.order(key, { is: 'lasts', deaf: true }));
    await place.underWay(key);
    await processes.renew(key, processes.bootMs() + 300);
    processes.close();
    const [name = ''] = await place.containers();
    await engine.docker.getContainer(name.slice(1)).wait();
    processes = await place.open();
    expect(await processes.exited(key, open)).toMatchObject({ leaseOut: true, signal: 9 });
    await processes.stop(key, 0);
    expect([await place.containers(), place.starts(key)]).toEqual([[], 1]);
  });
});

/** An engine that is slow to start what it has made. */
function startsAfter(engine: Engine, held: Promise<void>): Engine {
  const docker = Object.create(engine.docker) as Engine['docker'];
  docker.getContainer = (name) => {
    const container = engine.docker.getContainer(name);
    const start = container.start.bind(container);
    container.start = (async (options: object) => {
      await held;
      await sleep(1);
      return start(options);
    }) as typeof container.start;
    return container;
  };
  return { ...engine, docker };
}
