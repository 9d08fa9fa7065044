import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ForwardOrder } from '../../src/actors/ways.ts';
import { type HeadForwards, openForwards } from '../../src/platform/forwards.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { freePort } from './free-port.ts';

let forwards: HeadForwards;

beforeEach(() => {
  forwards = openForwards({ pool: '127.88.0.0/16', hubOf: () => undefined });
});
afterEach(() => forwards.closeAll());

/** A job's port on its alias. */
async function bound(): Promise<ForwardOrder> {
  const ports = [await freePort()];
  const alias = await forwards.free(ports, []);
  const order = { job: 'j1', alias, ports, node: 'w1', address: '127.0.0.1' };
  await forwards.open(order);
  return order;
}

async function failure(promise: Promise<unknown>): Promise<Failed['failure']> {
  const error: unknown = await promise.catch((reason: unknown) => reason);
  if (error instanceof Failed) return error.failure;
  throw error ?? new Error('it did not fail');
}

test('a port that is held is told with its holder', async () => {
  const order = await bound();
  const [port] = order.ports as [number];
  expect(await failure(forwards.open({ ...order, job: 'j2' }))).toMatchObject({
    code: 'port_busy',
    text: `Port ${port} of ${order.alias} is that of job j1.`,
  });
  await forwards.close('j1');
  const listen = `listen(${port}, '${order.alias}', () => console.log(1))`;
  const script = `require('net').createServer().${listen}`;
  const child = await started(script);
  try {
    const { code, text, retry } = await failure(forwards.open(order));
    expect({ code, retry }).toEqual({ code: 'port_busy', retry: true });
    expect(text).toBe(`Port ${port} on ${order.alias} is held by node (pid ${child.pid}).`);
  } finally {
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  await forwards.open(order);
});

async function started(script: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout as NonNullable<typeof child.stdout>, 'data');
  return child;
}

test('a failed open leaves nothing bound', async () => {
  const [one, two] = [await freePort(), await freePort()];
  const order = { job: 'j1', ports: [one, two], node: 'w1', address: '127.0.0.1' };
  const alias = await forwards.free(order.ports, []);
  await forwards.open({ ...order, job: 'other', alias, ports: [two] });
  expect(await failure(forwards.open({ ...order, alias }))).toMatchObject({ code: 'port_busy' });
  await forwards.open({ ...order, job: 'third', alias, ports: [one] });
});
