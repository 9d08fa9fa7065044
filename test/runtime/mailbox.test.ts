import { describe, expect, it } from 'vitest';
import { Mailbox } from '../../src/runtime/mailbox.ts';

const event = (n: number): object => ({ n });
const drained = (box: Mailbox): object[] => {
  const out: object[] = [];
  for (let next = box.shift(); next !== undefined; next = box.shift()) out.push(next);
  return out;
};

describe('a mailbox', () => {
  it('keeps the order over every size that it grows and shrinks to', () => {
    const box = new Mailbox(1_000_000);
    let pushed = 0;
    let seen = 0;
    for (const burst of [1, 7, 8, 9, 1023, 1024, 1025, 5000, 3, 1500, 1, 1, 20_000, 2]) {
      for (let i = 0; i < burst; i++) box.push(event(pushed++));
      // Half is left for the next burst, now and then all is taken.
      const take = burst % 2 === 0 ? box.size : Math.ceil(box.size / 2);
      for (let i = 0; i < take; i++) expect(box.shift()).toEqual(event(seen++));
    }
    for (const next of drained(box)) expect(next).toEqual(event(seen++));
    expect(seen).toBe(pushed);
    expect(box.size).toBe(0);
  });

  it('has no bound for what a life asked for itself', () => {
    const box = new Mailbox(2);
    expect([1, 2, 3].map((n) => box.push(event(n)))).toEqual([true, true, false]);
    for (let n = 0; n < 5; n++) box.pushSystem({ event: event(n), scope: n });
    expect(box.size).toBe(7);
    expect(box.shiftSystem()).toEqual({ event: event(0), scope: 0 });
    expect(drained(box)).toEqual([event(1), event(2)]);
    expect(box.push(event(4))).toBe(true);
  });

  it('takes over what another was told, behind its own', () => {
    const box = new Mailbox(10);
    const other = new Mailbox(10);
    box.push(event(1));
    for (const n of [2, 3]) other.push(event(n));
    other.pushSystem({ event: event(9), scope: 1 });
    box.takeNormal(other);
    expect(drained(box)).toEqual([event(1), event(2), event(3)]);
    expect(box.shiftSystem()).toBeUndefined();
  });
});
