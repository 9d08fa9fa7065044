import { describe, expect, it } from 'vitest';
import type { AttemptKey, ProcessOrder } from '../../src/actors/ports.ts';
import type { Clock } from '../../src/runtime/ports.ts';
import { Dice } from '../sim/dice.ts';
import { handClock } from './hand-clock.ts';
import { type Doing, MemoryMachine } from './memory-processes.ts';
import { open, type Plan, processesSuite, someKey } from './processes.suite.ts';

const wall: Clock = {
  now: () => Date.now(),
  timer: (ms, then) => {
    const timer = setTimeout(then, ms);
    return () => clearTimeout(timer);
  },
};

const doingOf = (plan: Plan): Doing => {
  const lasting = { code: 0, signal: 0, termMs: 1, lastsMs: Number.POSITIVE_INFINITY };
  switch (plan.is) {
    case 'exits':
      return { ...lasting, code: plan.code, lastsMs: plan.afterMs ?? 1 };
    case 'killed':
      return { ...lasting, signal: 15, lastsMs: 1 };
    case 'told':
      return { ...lasting, toldCode: plan.code };
    case 'lasts':
      return plan.deaf ? { ...lasting, termMs: Number.POSITIVE_INFINITY } : lasting;
  }
};

const orderOf = (key: AttemptKey): ProcessOrder => ({
  key,
  directory: '/d',
  script: '/d/s',
  env: {},
  stdin: '',
  stdout: '/d/o',
  stderr: '/d/e',
  user: '',
  limits: { cpus: 1, memoryBytes: 0, gpus: 0 },
});

processesSuite('processes in memory', async () => {
  const plans = new Map<string, Plan>();
  const nameOf = ({ job, attempt, rank }: AttemptKey) => `${job} ${attempt} ${rank}`;
  const dice = new Dice(1);
  const machine = new MemoryMachine({
    clock: wall,
    dice: () => dice.roll(),
    doing: ({ key }) => doingOf(plans.get(nameOf(key))!),
    startMs: 3,
  });
  return {
    open: async () => machine.open(),
    order: (key, plan) => {
      plans.set(nameOf(key), plan);
      return orderOf(key);
    },
    underWay: async () => {},
    starts: (key) => machine.starts(key),
    clear: async () => machine.destroy(),
  };
});

describe('a machine in memory', () => {
  const make = (doing: Partial<Doing> = {}) => {
    const clock = handClock();
    const whole = { lastsMs: 60_000, code: 0, signal: 0, termMs: 10, ...doing };
    const machine = new MemoryMachine({ clock, dice: () => 0.5, doing: () => whole, startMs: 10 });
    return { clock, machine, order: orderOf(someKey()) };
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('does not start what a life ordered that ended on the way', async () => {
    const { clock, machine, order } = make();
    const life = machine.open();
    void life.ensure(order);
    life.close();
    clock.pass(1_000);
    await settled();
    expect([machine.starts(order.key), machine.live]).toEqual([0, []]);
  });

  it('lets a process end while no worker lives, at its own time', async () => {
    const { clock, machine, order } = make({ code: 4 });
    const first = machine.open();
    void first.ensure(order);
    clock.pass(5);
    await settled();
    first.close();
    expect(machine.live).toEqual([order.key]);
    clock.pass(100_000);
    const exit = await machine.open().exited(order.key, open);
    expect(exit).toMatchObject({ code: 4, lost: false, at: 1_060_005 });
    expect(machine.live).toEqual([]);
  });

  it('loses what ran over a reboot, and says so', async () => {
    const { clock, machine, order } = make();
    void machine.open().ensure(order);
    clock.pass(5);
    await settled();
    machine.reboot();
    expect(await machine.open().exited(order.key, open)).toMatchObject({ lost: true });
    const again = machine.open().ensure(order);
    clock.pass(10);
    await settled();
    clock.pass(10);
    expect((await again).pid).toBeGreaterThan(0);
    expect(machine.starts(order.key)).toBe(1);
  });
});
