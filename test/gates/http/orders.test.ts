import { describe, expect, it } from 'vitest';
import { orderOf } from '../../ports/gate.suite.ts';
import { failureOf, says, worldOfEach } from './each-world.ts';
import type { Mischief } from './gate-service.ts';

const { signal } = new AbortController();
const { world, opened, asked } = worldOfEach();

/** Does it with the first request of that method, and nothing with others. */
function once(method: string, mischief: Mischief): void {
  let isDone = false;
  world().service.mischief = (one) => {
    if (isDone || one.method !== method) return undefined;
    isDone = true;
    return mischief;
  };
}

describe('an order', () => {
  const lost: readonly (readonly [string, Mischief])[] = [
    ['cut off', { is: 'deaf' }],
    ['500', { is: 'says', status: 500, body: 'Internal Server Error', isDone: true }],
    ['504', { is: 'says', status: 504, body: 'Gateway Timeout', isDone: true }],
  ];
  it.each(lost)('whose answer is %s is found by its name', async (_, mischief) => {
    const gate = await opened({ hiddenMs: 120 }, { createMs: 5_000 });
    once('POST', mischief);
    const order = orderOf();
    const made = await gate.create(order, signal);
    expect(made.externalId).toContain(order.name);
    expect(asked('POST')).toHaveLength(1);
  });

  it('that was never heard fails when it would be there, and may be put again', async () => {
    const gate = await opened();
    once('POST', { is: 'silent' });
    const order = orderOf();
    expect(await failureOf(gate.create(order, signal))).toMatchObject({
      code: 'timeout',
      retry: true,
    });
    await gate.create(order, signal);
    expect(asked('POST')).toHaveLength(2);
  });

  it('that was sent by a head that died is not sent by the next', async () => {
    const gate = await opened({ hiddenMs: 200 }, { createMs: 5_000 });
    once('POST', { is: 'deaf' });
    const order = orderOf();
    const dying = new AbortController();
    const died = failureOf(gate.create(order, dying.signal));
    await expect.poll(() => asked('POST').length).toBe(1);
    dying.abort();
    expect((await died).code).toBe('timeout');
    const next = await world().open();
    const unsure = await failureOf(next.find(order.name, signal));
    expect(unsure).toMatchObject({ code: 'busy', retry: true });
    expect((await next.create(order, signal)).name).toBe(order.name);
    expect(asked('POST')).toHaveLength(1);
  });

  it('that was refused is soon told so, and leaves no doubt', async () => {
    const gate = await opened({ clusters: 0 }, { createMs: 600_000 });
    const order = orderOf();
    const { code, text } = await failureOf(gate.create(order, signal));
    expect(code).toBe('capacity');
    expect(text).toMatch(/^HttpResponseError: \(AllocationFailed\) The location has no room/);
    expect(await gate.find(order.name, signal)).toBeUndefined();
  });

  it('to a service that is not there is not waited for', async () => {
    const gate = await opened({}, { createMs: 600_000 });
    const nowhere = await world().openWith({ port: 1, createMs: 600_000 });
    expect((await failureOf(nowhere.create(orderOf(), signal))).code).toBe('unreachable');
    expect(await gate.list(signal)).toEqual([]);
  });

  it('for a name that is being removed has to wait', async () => {
    const gate = await opened({ removeMs: 10_000 });
    const order = orderOf();
    const { externalId } = await gate.create(order, signal);
    const giving = new AbortController();
    const going = failureOf(gate.remove(externalId, giving.signal));
    await expect.poll(() => asked('DELETE').length).toBe(1);
    expect((await failureOf(gate.create(order, signal))).code).toBe('releasing');
    giving.abort();
    expect((await going).code).toBe('timeout');
  });

  it('is found gone only if the list says so too', async () => {
    const gate = await opened();
    const { name } = await gate.create(orderOf(), signal);
    world().service.mischief = ({ path }) =>
      path.endsWith(name) ? says(404, { detail: 'Partition not found' }) : undefined;
    expect((await gate.find(name, signal))?.name).toBe(name);
  });
});
