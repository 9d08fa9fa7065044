import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Partition } from '../../src/actors/ports.ts';
import { orderOf } from '../ports/gate.suite.ts';
import { eventually, type LocalWorld, localWorld } from './local-world.ts';

const { signal } = new AbortController();
const script = join(import.meta.dirname, 'local-life.ts');

/** Starts a head's work in a process of its own and kills it `ms` after it has begun. */
async function killed(ms: number, ...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = '';
  child.stdout.on('data', (chunk: Buffer) => {
    told += chunk.toString();
  });
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  await Promise.race([pause(ms), closed]);
  child.kill('SIGKILL');
  await closed;
  return told;
}

describe('a head killed in the middle', () => {
  let world: LocalWorld;
  beforeEach(async () => {
    world = await localWorld();
  });
  afterEach(() => world.close());

  const delays = [0, 3, 8, 16];

  it('of making: the next makes it whole, and no machine twice', async () => {
    const ends = new Set<string>();
    for (const ms of delays) {
      const order = orderOf({ nodes: ['main', 'second'] });
      ends.add(await killed(ms, world.spool, 'create', JSON.stringify(order)));
      const gate = await world.open();
      const made = await gate.create(order, signal);
      expect(made.status).toBe('succeeded');
      // An init, its shell and that one's sleep, for each of two machines.
      const six = async () => (await world.processes()).length === 6;
      await eventually('each machine runs once', six);
      await gate.remove(made.externalId, signal);
      expect(await world.left()).toEqual([]);
    }
    expect([...ends]).toContain('begun\n');
  });

  it('of making: the next removes what there is of it', async () => {
    for (const ms of delays) {
      const order = orderOf({ nodes: ['main', 'second'] });
      await killed(ms, world.spool, 'create', JSON.stringify(order));
      const gate = await world.open();
      const found: Partition | undefined = await gate.find(order.name, signal);
      if (found !== undefined) await gate.remove(found.externalId, signal);
      expect(await world.left()).toEqual([]);
    }
  });

  it('of removing: the next removes the rest', async () => {
    const seen = new Set<string>();
    for (const ms of delays) {
      const order = orderOf({ nodes: ['main', 'second'] });
      const { externalId } = await (await world.open()).create(order, signal);
      await killed(ms, world.spool, 'remove', externalId);
      const gate = await world.open();
      const found = await gate.find(order.name, signal);
      seen.add(found?.status ?? 'none');
      await gate.remove(externalId, signal);
      expect(await gate.find(order.name, signal)).toBeUndefined();
      expect(await world.left()).toEqual([]);
    }
    expect([...seen]).toContain('deleting');
  });
});
