import { describe, expect, it } from 'vitest';
import { failure } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import { type Answer, Asks } from '../../src/runtime/asks.ts';
import { HandClock } from './lab.ts';

const yes = (body: object): Answer => ({ ok: true, body });
const nothing = (): void => {};
const LONG = { timeout: 120_000 };

describe('asks', () => {
  it('give each of 1.5 million questions its own answer, 20,000 in flight', LONG, () => {
    const asks = new Asks(new HandClock());
    const open: { id: number; n: number }[] = [];
    let x = 1;
    let right = 0;
    let wrong = 0;
    const answerOne = (): void => {
      // Any of those open, in no order.
      x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
      const at = x % open.length;
      const { id, n } = open[at]!;
      open[at] = open.at(-1)!;
      open.pop();
      asks.answer(id, yes({ n }));
    };
    for (let n = 0; n < 1_500_000; n++) {
      const id = asks.open('a', 'job.show', 60_000, (answer) => {
        if (answer.ok && (answer.body as { n: number }).n === n) right++;
        else wrong++;
      });
      open.push({ id, n });
      if (open.length >= 20_000) answerOne();
    }
    while (open.length > 0) answerOne();
    expect([right, wrong, asks.size]).toEqual([1_500_000, 0, 0]);
  });

  it('end once: a second answer, a late one and one to nobody are dropped', async () => {
    const clock = new HandClock();
    const asks = new Asks(clock);
    const heard: Answer[] = [];
    const id = asks.open('a', 'job.show', 100, (answer) => heard.push(answer));
    expect(asks.answer(id, yes({}))).toBe(true);
    expect(asks.answer(id, yes({}))).toBe(false);
    expect(asks.answer(99, yes({}))).toBe(false);
    clock.pass(1_000, nothing);
    expect(heard).toEqual([yes({})]);
    const other = asks.open('a', 'job.show', 100, (answer) => heard.push(answer));
    asks.drop(other);
    asks.answer(other, yes({}));
    clock.pass(1_000, nothing);
    expect(heard.length).toBe(1);
  });

  it('end at their deadlines, never before, and within two ticks', () => {
    const clock = new HandClock();
    const asks = new Asks(clock);
    const took: [ms: number, at: number][] = [];
    const began = clock.now();
    const spans = [1, 49, 50, 51, 99, 777, 5_000, 60_000];
    for (const ms of spans.toReversed())
      asks.open('a', 'job.show', ms, (answer) => {
        expect(answer).toEqual({ ok: false, failure: failure('timeout', 'no answer in time') });
        took.push([ms, clock.now() - began]);
      });
    for (let i = 0; i < 61_000; i++) clock.pass(1, nothing);
    expect(took.map(([ms]) => ms).toSorted((a, b) => a - b)).toEqual(spans);
    for (const [ms, at] of took) {
      expect(at).toBeGreaterThanOrEqual(ms);
      expect(at).toBeLessThanOrEqual(ms + 100);
    }
    expect(clock.waiting).toBe(0);
  });

  it('keep one timer at most, and none when nothing is due', () => {
    const clock = new HandClock();
    const asks = new Asks(clock);
    for (let i = 0; i < 1_000; i++) asks.open('a', 'job.show', 1_000 + i, nothing);
    expect(clock.waiting).toBe(1);
    asks.open('a', 'job.show', Number.POSITIVE_INFINITY, nothing);
    clock.pass(3_000, nothing);
    expect([asks.size, clock.waiting]).toEqual([1, 0]);
  });

  it('keep nothing of those that were answered', () => {
    const clock = new HandClock();
    const asks = new Asks(clock);
    for (let i = 0; i < 10_000; i++)
      asks.answer(asks.open('a', 'job.show', 86_400_000 + i * 50, nothing), yes({}));
    clock.pass(100, nothing);
    expect([asks.size, clock.waiting]).toEqual([0, 0]);
  });

  it('of a node that is gone fail, all of them and no other', () => {
    const asks = new Asks(new HandClock());
    const heard: string[] = [];
    for (const node of ['b', 'c', 'b', ''])
      asks.open(node, 'job.show', 1_000, (answer) => heard.push(`${node} ${answer.ok}`));
    asks.fail('b', failure('unreachable', ''));
    expect(heard).toEqual(['b false', 'b false']);
    asks.dropAll('c');
    expect([heard.length, asks.size]).toEqual([2, 1]);
  });

  it('may be put by those that hear an answer', () => {
    const clock = new HandClock();
    const asks = new Asks(clock);
    let rounds = 0;
    const again = (): void => {
      if (++rounds < 10) asks.open('b', 'job.show', 100, again);
    };
    again();
    clock.pass(10_000, nothing);
    expect(rounds).toBe(10);
    asks.open('b', 'job.show', 100, () => asks.open('b', 'job.show', 100, nothing));
    asks.fail('b', failure('unreachable', ''));
    expect(asks.size).toBe(1);
  });

  it('are bounded', () => {
    const asks = new Asks(new HandClock());
    for (let i = 0; i < limits.asksMax; i++) asks.open('a', 'x', Number.POSITIVE_INFINITY, nothing);
    const heard: Answer[] = [];
    expect(asks.open('a', 'job.show', 1_000, (answer) => heard.push(answer))).toBe(0);
    expect(heard).toMatchObject([{ ok: false, failure: { code: 'busy' } }]);
  });

  it('are answered only by whom they were put to, and by the name they were put by', () => {
    const asks = new Asks(new HandClock());
    const id = asks.open('b', 'job.show', 1_000, nothing);
    expect(asks.wasAsked(id, 'b', 'job.show')).toBe(true);
    expect(asks.wasAsked(id, 'b')).toBe(true);
    expect(asks.wasAsked(id, 'c', 'job.show')).toBe(false);
    expect(asks.wasAsked(id, 'b', 'job.list')).toBe(false);
    expect(asks.wasAsked(id + 1, 'b')).toBe(false);
  });
});
