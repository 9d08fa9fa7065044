import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Gate, Partition, PartitionOrder } from '../../src/actors/ports.ts';
import { Failed } from '../../src/protocol/errors.ts';

/**
 * A site to try a gate on. It has room for 4 clusters and 6 cpus, the flavors `tiny` (1 cpu),
 * `small` (2) and `large` (8), and the image `host`.
 */
export type GateWorld = {
  /** The gate as a head has it that starts now; the site stays the same. */
  open(): Promise<Gate>;
  /** The same, once the site takes every partition back soon after it is up; not all sites do. */
  openSpot?(): Promise<Gate>;
  /** Lets time pass until the work has ended. */
  run<T>(work: Promise<T>): Promise<T>;
  /** Lets a little time pass. */
  pass(): Promise<void>;
  /** Everything that is left at the site, of whatever kind. */
  left(): Promise<readonly string[]>;
  close(): Promise<void>;
};

const passing = ['timeout', 'site_error', 'unreachable', 'busy', 'quota', 'releasing'];
const never = new AbortController().signal;

/** An order for nodes of a partition whose name was not used before, in no other test either. */
export function orderOf(changes: Partial<PartitionOrder> = {}): PartitionOrder {
  const name = changes.name ?? `swm-${crypto.randomUUID().slice(0, 8)}`;
  const nodes = changes.nodes ?? [`${name}-0`];
  return {
    name,
    job: '00000000-0000-4000-8000-000000000001',
    owner: 'ada',
    installation: 'here',
    flavor: 'tiny',
    image: '',
    nodes,
    bootstrap: {
      heads: ['127.0.0.1:1'],
      caFingerprint: 'ab'.repeat(32),
      tokens: Object.fromEntries(nodes.map((node) => [node, `token-of-${node}`])),
    },
    ...changes,
  };
}

/** What sites cannot all do. */
export type GateTraits = {
  /** It keeps our tags, so that whose a partition is can be seen. */
  readonly keepsTags: boolean;
  /** An id is never given again, also not to a successor of the same name. */
  readonly drawsIds: boolean;
};

/** What every gate owes its callers; run on each implementation. */
export function gateSuite(
  title: string,
  makeWorld: () => Promise<GateWorld>,
  traits: GateTraits = { keepsTags: true, drawsIds: true },
): void {
  describe(title, () => {
    let world: GateWorld;
    let gate: Gate;

    beforeEach(async () => {
      world = await makeWorld();
      gate = await world.open();
    });
    afterEach(() => world.close());

    /** Calls again while the failure is one that passes; anything but `Failed` is a fault. */
    async function firmly<T>(call: () => Promise<T>): Promise<T> {
      for (let tries = 0; tries < 300; tries++) {
        try {
          return await world.run(call());
        } catch (error) {
          if (!(error instanceof Failed)) throw error;
          if (!passing.includes(error.failure.code)) throw error;
        }
        await world.pass();
      }
      throw new Error('it never went well');
    }
    const create = (order: PartitionOrder) => firmly(() => gate.create(order, never));
    const find = (name: string) => firmly(() => gate.find(name, never));
    const remove = (id: string) => firmly(() => gate.remove(id, never));
    const list = () => firmly(() => gate.list(never));
    const refusal = async (work: Promise<unknown>): Promise<Failed> => {
      const error = await work.then(
        () => undefined,
        (why: unknown) => why,
      );
      expect(error).toBeInstanceOf(Failed);
      return error as Failed;
    };

    async function until<T>(ask: () => Promise<T>, good: (answer: T) => boolean): Promise<T> {
      const end = performance.now() + 15_000;
      for (;;) {
        const answer = await ask();
        if (good(answer)) return answer;
        if (performance.now() > end) throw new Error(`still ${JSON.stringify(answer)}`);
        await world.pass();
      }
    }
    /** Creates until the site boots it well; failing to boot is a thing that sites do. */
    async function createUp(order: PartitionOrder): Promise<Partition> {
      for (;;) {
        await create(order);
        const ended = (found?: Partition) => /succeeded|failed/.test(found?.status ?? '');
        const found = (await until(() => find(order.name), ended))!;
        if (found.status === 'succeeded') return found;
        await remove(found.externalId);
      }
    }

    it('makes a partition that comes up, with an address for each of its nodes', async () => {
      const order = orderOf({ nodes: ['main', 'second'] });
      const made = await create(order);
      expect(made.name).toBe(order.name);
      expect(made.installation).toBe(traits.keepsTags ? 'here' : '');
      const up = await createUp(order);
      expect(Object.keys(up.addresses).toSorted()).toEqual(['main', 'second']);
      expect(new Set(Object.values(up.addresses)).size).toBe(2);
      const other = await createUp(orderOf());
      expect(Object.values(up.addresses)).not.toContain(Object.values(other.addresses)[0]);
      await until(list, (all) => all.length === 2);
    });

    it('says what it takes back before it takes it, and takes nothing else', async () => {
      expect(await create(orderOf())).not.toHaveProperty('evicted');
      if (world.openSpot === undefined) return;
      gate = await world.openSpot();
      const order = orderOf({ nodes: ['main', 'second'] });
      expect((await create(order)).evicted).toBeDefined();
      const told = await until(
        () => find(order.name),
        (found) => found?.status === 'failed' || found?.evicted?.length === 2,
      );
      if (told?.evicted?.length === 2) expect(told.evicted.toSorted()).toEqual(['main', 'second']);
      const taken = await until(
        () => find(order.name),
        (found) => found?.status === 'failed',
      );
      await remove(taken?.externalId ?? '');
      expect(await find(order.name)).toBe(undefined);
    });

    it('makes it once, however often it is asked, also by another head', async () => {
      const order = orderOf();
      const both = await Promise.all([create(order), create(order)]);
      gate = await world.open();
      const again = await create(order);
      expect(new Set([...both, again].map(({ externalId }) => externalId)).size).toBe(1);
      await until(list, (all) => all.length === 1 && all[0]!.externalId === again.externalId);
    });

    it('knows a partition again that another head had made, and removes it', async () => {
      const made = await createUp(orderOf());
      gate = await world.open();
      expect(await find(made.name)).toEqual(made);
      await remove(made.externalId);
      expect(await find(made.name)).toBeUndefined();
    });

    it('knows nothing of what was never made', async () => {
      expect(await find('swm-00000000')).toBeUndefined();
      expect(await list()).toEqual([]);
    });

    it('removes: when it says so all is gone, and it says so again', async () => {
      const made = await createUp(orderOf({ nodes: ['main', 'second'] }));
      await remove(made.externalId);
      expect(await find(made.name)).toBeUndefined();
      expect(await world.left()).toEqual([]);
      await remove(made.externalId);
      await remove('/nobody/knows/this');
      await until(list, (all) => all.length === 0);
    });

    it('removes what is still being made', async () => {
      const order = orderOf({ nodes: ['main', 'second'] });
      const made = await create(order);
      await Promise.all([remove(made.externalId), remove(made.externalId)]);
      expect(await find(order.name)).toBeUndefined();
      expect(await world.left()).toEqual([]);
    });

    if (traits.drawsIds)
      it('gives a new id to a successor, and the old id removes nothing of it', async () => {
        const order = orderOf();
        const first = await create(order);
        await remove(first.externalId);
        const second = await create(order);
        expect(second.externalId).not.toBe(first.externalId);
        await remove(first.externalId);
        expect((await find(order.name))?.externalId).toBe(second.externalId);
      });

    if (traits.keepsTags)
      it('leaves the partition of another installation alone', async () => {
        const order = orderOf({ installation: 'there' });
        const theirs = await create(order);
        const { failure } = await refusal(create({ ...order, installation: 'here' }));
        expect(failure).toMatchObject({ code: 'refused', retry: false });
        expect(await find(order.name)).toMatchObject({
          externalId: theirs.externalId,
          installation: 'there',
        });
      });

    it('says what it offers, and refuses what it does not, leaving nothing', async () => {
      const flavors = await firmly(() => gate.flavors(never));
      expect(flavors.find(({ name }) => name === 'tiny')?.resources.cpus).toBe(1);
      expect(await firmly(() => gate.images(never))).toEqual([{ name: 'host', kind: 'cloud' }]);
      const flavor = await refusal(create(orderOf({ flavor: 'tinny' })));
      expect(flavor.failure).toMatchObject({ code: 'impossible', retry: false });
      expect(flavor.message).toMatch(/\btiny\b/);
      const image = await refusal(create(orderOf({ image: 'hots' })));
      expect(image.failure.code).toBe('impossible');
      expect(image.message).toMatch(/\bhost\b/);
      expect((await refusal(create(orderOf({ flavor: 'large' })))).failure.code).toBe('impossible');
      expect(await world.left()).toEqual([]);
    });

    it('takes no more clusters than it has room for, and takes some again later', async () => {
      const orders = Array.from({ length: 6 }, () => orderOf());
      const ends = await Promise.allSettled(orders.map((order) => create(order)));
      const made = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
      const refused = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
      expect(made).toHaveLength(4);
      for (const error of refused)
        expect(error.failure).toMatchObject({ code: 'capacity', retry: true });
      await remove(made[0]!.externalId);
      await create(orderOf());
    });

    it('takes no more cpus than it has room for, however many clusters they are', async () => {
      const orders = [1, 2, 3].map((at) =>
        orderOf({ flavor: 'small', nodes: [`a${at}`, `b${at}`] }),
      );
      const ends = await Promise.allSettled(orders.map((order) => create(order)));
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      await create(orderOf({ flavor: 'small' }));
      expect((await refusal(create(orderOf()))).failure.code).toBe('capacity');
    });

    it('hears that it is given up', async () => {
      const given = AbortSignal.abort();
      const calls = [
        (): Promise<unknown> => gate.create(orderOf(), given),
        (): Promise<unknown> => gate.find('swm-00000000', given),
        (): Promise<unknown> => gate.remove('a/b/c', given),
        (): Promise<unknown> => gate.list(given),
      ];
      for (const call of calls)
        expect((await refusal(world.run(call()))).failure.code).toBe('timeout');
      expect(await world.left()).toEqual([]);
    });
  });
}
