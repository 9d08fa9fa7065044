import { afterEach, describe, expect, it } from 'vitest';
import type { Gate } from '../../src/actors/ports.ts';
import type { Failed } from '../../src/protocol/errors.ts';
import { calm } from '../azure/manners.ts';
import { orderOf } from '../ports/gate.suite.ts';
import { type AzureWorld, azureWorld } from './azure-world.ts';

const { signal } = new AbortController();

describe('a head that dies in the middle', () => {
  let world: AzureWorld;
  afterEach(() => world.close());

  /**
   * Does something with a gate that is gone once that many requests are done, the last of them
   * without an answer. False: it was done before.
   */
  async function dying(at: number, act: (gate: Gate, given: AbortSignal) => Promise<unknown>) {
    const gate = await world.open();
    const dead = new AbortController();
    let done = 0;
    world.fake.onDone = () => {
      done += 1;
      if (done >= at) dead.abort();
    };
    const end = await act(gate, dead.signal).then(
      () => undefined,
      (error: unknown) => error,
    );
    world.fake.onDone = () => {};
    if (end !== undefined) expect((end as Failed).failure?.code, String(end)).toBe('timeout');
    return end !== undefined;
  }

  const slow = { ...calm(), networkMs: 5, bootMs: 5, removeMs: 15 };
  const order = () => orderOf({ nodes: ['main', 'second'] });

  it('of making, at any request: the next one makes it whole, and nothing twice', async () => {
    world = await azureWorld(slow);
    for (let at = 1; ; at++) {
      const asked = order();
      const died = await dying(at, (gate, given) => gate.create(asked, given));
      const made = await (await world.open()).create(asked, signal);
      const { site } = world.fake;
      const mine = site.made.filter((each) => each.includes(asked.name));
      expect(mine, `dead after ${at}`).toHaveLength(1 + 1 + 1 + 2 + 2 + 2);
      expect(new Set(mine).size).toBe(mine.length);
      expect(site.left().toSorted()).toEqual(mine.toSorted());
      const [path] = made.externalId.split('#');
      expect(path).toMatch(new RegExp(`/${asked.name}-resource-group$`));
      if (!died) break;
      site.groups.clear();
    }
  });

  it('of making, at any request: the next one removes what there is of it', async () => {
    world = await azureWorld(slow);
    for (let at = 1; ; at++) {
      const asked = order();
      const died = await dying(at, (gate, given) => gate.create(asked, given));
      const gate = await world.open();
      const found = await gate.find(asked.name, signal);
      if (found !== undefined) await gate.remove(found.externalId, signal);
      expect(world.fake.site.left(), `dead after ${at}`).toEqual([]);
      if (!died) break;
    }
  });

  it('of removing, at any request: the next one removes the rest', async () => {
    world = await azureWorld(slow);
    for (let at = 1; ; at++) {
      const { externalId } = await (await world.open()).create(order(), signal);
      const died = await dying(at, (gate, given) => gate.remove(externalId, given));
      await (await world.open()).remove(externalId, signal);
      expect(world.fake.site.left(), `dead after ${at}`).toEqual([]);
      if (!died) break;
    }
  });
});
