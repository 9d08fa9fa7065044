import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Execution } from '../../src/client/exec.ts';
import { sha } from '../platform/sockets.ts';
import { heads, logOf, submit, untilJob } from './heads.ts';
import { forAll, until } from './lab.ts';
import { processesOf } from './machine.ts';
import { isEnded } from './waiter.ts';

const group = forAll(() => heads({ heads: 1, workers: 1, isSwitched: true }));

/** A job that has begun, and does nothing. */
async function begun(): Promise<string> {
  const client = group().client();
  let id = '';
  await until(async () => {
    id = await submit(client, '#!/bin/sh\necho on\nexec sleep 1000\n').catch(() => '');
    return id !== '';
  });
  await untilJob(client, id, ({ phase }) => phase === 'running');
  await until(async () => (await logOf(client, id)) === 'on\n');
  return id;
}

/** Cuts the only link of the worker, and lets it come back once that was noticed. */
async function cut(): Promise<void> {
  const phase = async (): Promise<string | undefined> => {
    const { nodes } = await group().client().call('node.list', {});
    return nodes.find(({ name }) => name === 'w1')?.phase;
  };
  group().switchboard.cut('w1', 'h1', 'reset');
  await until(async () => (await phase()) === 'silent');
  group().switchboard.heal();
  await until(async () => (await phase()) === 'up');
}

async function heard(execution: Execution) {
  const parts: Uint8Array[] = [];
  const printed = execution.read();
  for (let next = await printed.next(); ; next = await printed.next()) {
    if (next.done === true) return { code: next.value, bytes: Buffer.concat(parts) };
    parts.push(next.value.bytes);
  }
}

describe('a command inside a job of a worker', { timeout: 60_000 }, () => {
  it('goes on where it was when the mesh was cut', async () => {
    const client = group().client();
    const id = await begun();
    const execution = await client.exec(id, ['sh', '-c', 'cat; exit 5']);
    const all = heard(execution);
    const bytes = randomBytes(4_000_000);
    await execution.write(bytes.subarray(0, 1_000_000));
    await cut();
    await execution.write(bytes.subarray(1_000_000));
    await execution.end();
    const { code, bytes: back } = await all;
    expect([code, sha(back)]).toEqual([5, sha(bytes)]);
    await client.call('job.cancel', { id });
    await untilJob(client, id, isEnded);
  });

  it('is gone with the worker, and its terminal is told', async () => {
    const client = group().client();
    const id = await begun();
    const before = processesOf(id).length;
    const execution = await client.exec(id, ['sh', '-c', 'setsid sleep 1000 & echo on; wait']);
    const printed = execution.read();
    expect((await printed.next()).value).toMatchObject({ from: 'stdout' });
    expect(processesOf(id).length).toBeGreaterThan(before);
    const [worker] = group().workers;
    await worker?.signal('SIGKILL');
    await until(() => processesOf(id).length === before);
    const told = expect(printed.next()).rejects.toThrow();
    await worker?.start();
    await told;
    // The job itself has noticed nothing, and can be entered again.
    let code: number | undefined;
    await until(async () => {
      code = await client.exec(id, ['true']).then(
        async (next) => (await heard(next)).code,
        () => undefined,
      );
      return code !== undefined;
    });
    expect(code).toBe(0);
    await client.call('job.cancel', { id });
    await untilJob(client, id, isEnded);
  });
});
