import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AttemptKey } from '../../src/actors/ports.ts';
import { bootId } from '../../src/platform/process/being.ts';
import { codeOf, open, someKey } from '../ports/processes.suite.ts';
import { RealPlace, until } from './process-place.ts';

let place: RealPlace;
beforeEach(() => {
  place = new RealPlace();
});
afterEach(() => place.clear());

describe('slots', () => {
  it('are made as jobs run at once, and go when they have nothing to do', async () => {
    const own = new RealPlace({ slots: 1, slotIdleMs: 100 });
    const processes = await own.open();
    const orders = Array.from({ length: 5 }, () =>
      own.order(someKey(), { is: 'lasts', deaf: false }),
    );
    await Promise.all(orders.map((order) => processes.ensure(order)));
    expect(new Set(orders.map(({ key }) => own.slotOf(key))).size).toBe(5);
    await Promise.all(orders.map(({ key }) => processes.stop(key, 0)));
    await until('one slot and the keeper are left', () => own.keepers().length === 2);
    const again = own.order(someKey(), { is: 'exits', code: 3 });
    await processes.ensure(again);
    expect(await processes.exited(again.key, open)).toMatchObject({ code: 3 });
    await own.clear();
  });

  it('are used again for the next job', async () => {
    const processes = await place.open();
    const slots = new Set<number>();
    for (let n = 0; n < 6; n++) {
      const order = place.order(someKey(), { is: 'exits', code: 0 });
      await processes.ensure(order);
      await processes.exited(order.key, open);
      slots.add(place.slotOf(order.key));
    }
    expect(slots.size).toBeLessThanOrEqual(2);
  });
});

describe('an order whose slot is killed before it reads it', () => {
  it('is given to another', async () => {
    const processes = await place.open();
    const order = place.order(someKey(), { is: 'exits', code: 8 });
    const stopped = await until('two slots are free', () => {
      const slots = place.keepers(/^swm-slot/);
      return slots.length === 2 && slots;
    });
    for (const slot of stopped) process.kill(slot, 'SIGSTOP');
    const started = processes.ensure(order);
    await sleep(100);
    for (const slot of stopped) process.kill(slot, 'SIGKILL');
    await started;
    expect(await processes.exited(order.key, open)).toMatchObject({ code: 8, lost: false });
    expect(place.starts(order.key)).toBe(1);
  });
});

describe('two workers on one directory, which should not be', () => {
  it('start an attempt once between them, and both hear of its end', async () => {
    const [one, two] = [await place.open(), await place.open()];
    for (let round = 0; round < 10; round++) {
      const { order, go } = place.waiting(someKey());
      const pids = await Promise.all([one, two].map((worker) => worker.ensure(order)));
      expect(pids[0]?.pid).toBe(pids[1]?.pid);
      go();
      for (const worker of [one, two])
        expect(await worker.exited(order.key, open)).toMatchObject({ code: 17, lost: false });
      expect(place.starts(order.key)).toBe(1);
    }
  });

  it('agree on a stop that comes before the start, or on the start', async () => {
    const [one, two] = [await place.open(), await place.open()];
    for (let round = 0; round < 10; round++) {
      const order = place.order(someKey(), { is: 'lasts', deaf: false });
      const starting = codeOf(one.ensure(order));
      if (round > 0) await sleep(round / 4);
      await two.stop(order.key, 0);
      const told = await starting;
      const ends = await Promise.all(
        [one, two].map((each) => codeOf(each.exited(order.key, open))),
      );
      expect(ends).toEqual([told, told]);
      expect(['none', 'refused']).toContain(told);
      if (told === 'refused') expect(place.starts(order.key)).toBe(0);
    }
  });
});

describe('a record that was left', () => {
  const left = async (lines: (key: AttemptKey) => string) => {
    const key = someKey();
    const path = join(place.records, `${key.job}.1.0.record`);
    (await place.open()).close();
    writeFileSync(path, lines(key));
    const processes = await place.open();
    return { key, processes, order: place.order(key, { is: 'exits', code: 0 }) };
  };
  const claim = (boot: string) => `starting 2 1 ${boot} 1000 own - - .\n`;

  it('by another boot tells of nothing that lives', async () => {
    const mine = `pid ${process.pid} 0 99999999999 1001 .\n`;
    const { key, processes, order } = await left(() => claim('another') + mine);
    expect(await processes.exited(key, open)).toMatchObject({ lost: true });
    expect(await processes.ensure(order)).toMatchObject({ pid: process.pid, at: 1001 });
    expect(place.starts(key)).toBe(0);
  });

  it('by a slot that died before the start is given up, not started again', async () => {
    const { key, processes, order } = await left(() => claim(bootId()));
    expect(await codeOf(processes.ensure(order))).toBe('start_failed');
    expect(place.record(key)).toMatch(/\nvoid \d+ \.\n$/);
    expect(place.starts(key)).toBe(0);
  });

  it('without its last newline does not tell of an end', async () => {
    const dead = 'pid 2 1 1 1001 .\n';
    const { key, processes } = await left(() => `${claim(bootId())}${dead}exit 0 0 0 1002 .`);
    expect(await processes.exited(key, open)).toMatchObject({ lost: true });
  });
});
