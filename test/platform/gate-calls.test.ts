import { expect, it } from 'vitest';
import type { Gate, MachineOrder } from '../../src/actors/ports.ts';
import { openCalls } from '../../src/platform/gate-calls.ts';
import { Failed } from '../../src/protocol/errors.ts';

const { signal } = new AbortController();
const full = new Failed('quota', 'no more');

it('what sites are asked for is counted by its result, and answered as it was', async () => {
  let now = 0;
  let answer: () => Promise<never[]> = async () => [];
  const site = { list: () => answer(), storages: ['data'] } as unknown as Gate;
  const calls = openCalls(() => now);
  const gate = calls.around('west', site);
  expect(gate.storages).toEqual(['data']);
  expect(gate.attach).toBeUndefined();
  const asked = gate.list(signal);
  now = 1_500;
  expect(await asked).toEqual([]);
  await gate.list(signal);
  answer = async () => {
    throw full;
  };
  await expect(gate.list(signal)).rejects.toBe(full);
  answer = async () => {
    throw new TypeError('of undefined');
  };
  await expect(calls.around('east', site).list(signal)).rejects.toThrow(TypeError);
  const of = { call: 'list', sumSeconds: 0, count: 1 };
  expect(calls.counts()).toEqual([
    { ...of, remote: 'west', result: 'done', count: 2, sumSeconds: 1.5 },
    { ...of, remote: 'west', result: 'quota' },
    { ...of, remote: 'east', result: 'bug' },
  ]);
});

it('one that nobody waits for any more is no failure of its site', async () => {
  const calls = openCalls(() => 0);
  const ending = new AbortController();
  const attach = () =>
    new Promise<never>((_, reject) => ending.signal.addEventListener('abort', () => reject(full)));
  const gate = calls.around('west', { attach } as unknown as Gate);
  const attached = gate.attach?.({} as MachineOrder, () => {}, ending.signal);
  ending.abort();
  await expect(attached).rejects.toBe(full);
  expect(calls.counts()).toEqual([]);
});
