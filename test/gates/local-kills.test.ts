import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Gate } from '../../src/actors/ports.ts';
import { orderOf } from '../ports/gate.suite.ts';
import { eventually, type LocalWorld, localWorld } from './local-world.ts';

/** How many more steps on the disk are done; the one after them never ends, nor does any later. */
let steps = Number.POSITIVE_INFINITY;
let stopped = (): void => {};

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  const stepping = ['chmod', 'mkdir', 'open', 'rename', 'rm', 'rmdir', 'writeFile'] as const;
  const stop = (): Promise<never> => {
    stopped();
    return new Promise(() => {});
  };
  // What is done in one hierarchy of control groups is done in each: the one of version 2 will do.
  const isAlike = (path: string) => path.startsWith('/sys/') && !path.includes('/unified/');
  const wrap =
    (call: (...args: never[]) => unknown) =>
    (...args: never[]) =>
      isAlike(String(args[0])) || steps-- > 0 ? call(...args) : stop();
  const wrapped = Object.fromEntries(stepping.map((name) => [name, wrap(real[name] as never)]));
  // The look for who a machine is comes right after its start.
  const readFile = (...args: Parameters<typeof real.readFile>) =>
    String(args[0]).endsWith('/init') && steps-- <= 0 ? stop() : real.readFile(...args);
  return { ...real, ...wrapped, readFile };
});

// A life for each step of the work takes its time where others work too.
vi.setConfig({ testTimeout: 60_000 });
const { signal } = new AbortController();

/** Lets a head do so many steps of its work and no more. True: they were enough. */
async function dies(after: number, work: () => Promise<unknown>): Promise<boolean> {
  const death = new Promise<boolean>((resolve) => {
    stopped = () => resolve(false);
  });
  steps = after;
  const done = work().then(() => true);
  const ended = await Promise.race([done, death]);
  steps = Number.POSITIVE_INFINITY;
  return ended;
}

const script = join(import.meta.dirname, 'local-life.ts');

/** Starts a head's work in a process of its own and kills that `ms` after it has begun. */
async function killed(ms: number, ...args: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  await Promise.race([pause(ms), closed]);
  child.kill('SIGKILL');
  await closed;
}

describe('a head that dies in the middle', () => {
  let world: LocalWorld;
  let next: Gate;
  beforeEach(async () => {
    world = await localWorld();
  });
  afterEach(() => world.close());

  // An init, its shell and that one's sleep, for each of two machines.
  const runsOnce = () =>
    eventually('each machine runs once', async () => (await world.processes()).length === 6);
  const order = () => orderOf({ nodes: ['main', 'second'] });

  it('of making, at any step: the next makes it whole, and no machine twice', async () => {
    let after = 0;
    for (let done = false; !done; after++) {
      const gate = await world.open();
      const mine = order();
      done = await dies(after, () => gate.create(mine, signal));
      next = await world.open();
      const made = await next.create(mine, signal);
      expect(made.status).toBe('succeeded');
      await runsOnce();
      await next.remove(made.externalId, signal);
      expect(await world.left()).toEqual([]);
    }
    expect(after).toBeGreaterThan(20);
  });

  it('of making, at any step: the next removes what there is of it', async () => {
    let after = 0;
    for (let done = false; !done; after++) {
      const gate = await world.open();
      const mine = orderOf();
      done = await dies(after, () => gate.create(mine, signal));
      next = await world.open();
      const found = await next.find(mine.name, signal);
      if (found !== undefined) await next.remove(found.externalId, signal);
      expect(await world.left()).toEqual([]);
    }
    expect(after).toBeGreaterThan(10);
  });

  it('of removing, at any step: the next removes the rest', async () => {
    const seen = new Set<string>();
    for (let done = false, after = 0; !done; after++) {
      const gate = await world.open();
      const mine = order();
      const { externalId } = await gate.create(mine, signal);
      done = await dies(after, () => gate.remove(externalId, signal));
      next = await world.open();
      seen.add((await next.find(mine.name, signal))?.status ?? 'none');
      await next.remove(externalId, signal);
      expect(await next.find(mine.name, signal)).toBeUndefined();
      expect(await world.left()).toEqual([]);
    }
    expect([...seen].toSorted()).toEqual(['deleting', 'none', 'succeeded']);
  });

  it('by SIGKILL, whenever: its machines live on, and the next takes over', async () => {
    for (const ms of [0, 5, 25]) {
      const mine = order();
      await killed(ms, world.spool, 'create', JSON.stringify(mine));
      next = await world.open();
      const { externalId } = await next.create(mine, signal);
      await runsOnce();
      await killed(ms, world.spool, 'remove', externalId);
      next = await world.open();
      await next.remove(externalId, signal);
      expect(await world.left()).toEqual([]);
    }
  });
});
