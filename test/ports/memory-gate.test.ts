import { describe, expect, it } from 'vitest';
import type { Clock } from '../../src/runtime/ports.ts';
import { diceOf } from './dice.ts';
import { type GateWorld, gateSuite, orderOf } from './gate.suite.ts';
import { calm, type Manners, nasty } from './manners.ts';
import { MemorySite } from './memory-gate.ts';

type Timer = { readonly at: number; readonly then: () => void };

/** A clock that moves only when it is told to, to the next of its timers. */
function handClock(): Clock & { step(ms?: number): void } {
  let now = 1_000_000;
  let timers: Timer[] = [];
  return {
    now: () => now,
    timer(ms, then) {
      const timer = { at: now + ms, then };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
    step(ms) {
      const next = Math.min(...timers.map(({ at }) => at));
      now = ms === undefined ? Math.max(now, Number.isFinite(next) ? next : now) : now + ms;
      const due = timers.filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at);
      timers = timers.filter(({ at }) => at > now);
      for (const { then } of due) then();
    },
  };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

function worldOf(manners: Manners, seed: number): GateWorld & { readonly site: MemorySite } {
  const clock = handClock();
  let treats = manners;
  const site = new MemorySite({
    clock,
    dice: diceOf(seed),
    get manners() {
      return treats;
    },
    clusters: 4,
    cpus: 6,
  });
  return {
    site,
    open: async () => site.gate(),
    async openSpot() {
      treats = { ...manners, evicting: 1, evictMs: 5_000, noticeMs: 5_000 };
      return site.gate();
    },
    async run(work) {
      let over = false;
      const end = (): void => {
        over = true;
      };
      work.then(end, end);
      for (await turn(); !over; await turn()) clock.step();
      return work;
    },
    async pass() {
      clock.step(500);
      await turn();
    },
    left: async () => site.truth().map(({ name }) => name),
    close: async () => {},
  };
}

gateSuite('a gate in memory', async () => worldOf(calm, 1));

/** Calls that are done long after they were given up are for the simulator: see below. */
const unkind: Manners = { ...nasty, ghost: 0 };
for (const seed of [1, 2, 3, 4, 5])
  gateSuite(`a nasty gate in memory, seed ${seed}`, async () => worldOf(unkind, seed));

describe('a nasty gate', () => {
  const signal = new AbortController().signal;

  it('does what it said had timed out', async () => {
    const world = worldOf({ ...calm, ghost: 1, ghostMs: 5_000 }, 3);
    const gate = await world.open();
    await expect(world.run(gate.create(orderOf(), signal))).rejects.toThrow('no answer');
    expect(await world.left()).toEqual([]);
    for (let passes = 0; passes < 11; passes++) await world.pass();
    expect(await world.left()).toHaveLength(1);
  });

  it('does what its caller gave up on the way', async () => {
    const world = worldOf({ ...calm, lateMs: 1_000 }, 3);
    const gate = await world.open();
    const giveUp = new AbortController();
    const made = gate.create(orderOf(), giveUp.signal);
    giveUp.abort();
    await expect(made).rejects.toThrow('given up');
    for (let passes = 0; passes < 4; passes++) await world.pass();
    expect(await world.left()).toHaveLength(1);
  });

  it('deletes and answers 500, and lists what is gone', async () => {
    const world = worldOf({ ...calm, staleMs: 60_000 }, 3);
    const made = await world.run((await world.open()).create(orderOf(), signal));
    await world.pass();
    const lies = worldOf({ ...calm, lying: 1 }, 1);
    const theirs = await lies.open();
    await expect(lies.run(theirs.create(orderOf(), signal))).rejects.toThrow();
    const [kept] = lies.site.truth();
    await expect(lies.run(theirs.remove(kept!.externalId, signal))).rejects.toThrow();
    await lies.pass();
    expect(await lies.left()).toEqual([]);

    const stale = worldOf({ ...calm, stale: 1, staleMs: 60_000 }, 3);
    const old = await stale.open();
    await stale.run(old.create(orderOf({ name: made.name }), signal));
    await stale.pass();
    await stale.run(old.remove(stale.site.truth()[0]!.externalId, signal));
    expect(await stale.left()).toEqual([]);
    const lists = [];
    for (let at = 0; at < 20; at++) lists.push((await stale.run(old.list(signal))).length);
    expect(lists).toContain(0);
    expect(lists).toContain(1);
  });

  it('fails to boot and says why; boots and tells those who play the machines', async () => {
    const failing = worldOf({ ...calm, failing: 1 }, 1);
    const gate = await failing.open();
    const order = orderOf();
    await failing.run(gate.create(order, signal));
    await failing.pass();
    expect(await failing.run(gate.find(order.name, signal))).toMatchObject({
      status: 'failed',
      description: 'Allocation failed.',
    });

    const clock = handClock();
    const heard: string[] = [];
    const site = new MemorySite({
      clock,
      dice: diceOf(1),
      manners: calm,
      clusters: 4,
      cpus: 6,
      onUp: ({ name }) => heard.push(`up ${name}`),
      onGone: ({ name }) => heard.push(`gone ${name}`),
    });
    const played = site.gate();
    const steps = async (): Promise<void> => {
      for (let at = 0; at < 5; at++) {
        await turn();
        clock.step();
      }
    };
    const made = played.create(order, signal);
    await steps();
    const gone = played.remove((await made).externalId, signal);
    await steps();
    await gone;
    expect(heard).toEqual([`up ${order.name}`, `gone ${order.name}`]);
  });
});
