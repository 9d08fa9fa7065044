import { describe, expect, it } from 'vitest';
import type { ProcessOrder } from '../../src/actors/ports.ts';
import { type RunnerPorts, runnerTasks } from '../../src/actors/runner/tasks.ts';
import type { Order } from '../../src/protocol/attempt.ts';
import type { Spec } from '../../src/protocol/model.ts';
import { orderOf, place } from './runners.ts';

/** What a job of a worker at 10.0.0.7 is started with. */
async function started(asked: Partial<Spec>, change: Partial<Order> = {}, ownNetworks = true) {
  const heard: ProcessOrder[] = [];
  const ports = {
    address: '10.0.0.7',
    ownNetworks,
    accountOf: () => '',
    outs: { open: async () => {} },
    tasks: { open: async () => {} },
    processes: {
      ensure: async (order: ProcessOrder) => {
        heard.push(order);
        return { pid: 1, at: 0, unenforced: [] };
      },
    },
  } as unknown as RunnerPorts;
  const context = { signal: new AbortController().signal, emit: () => {}, path: '/' };
  await runnerTasks(ports).start({ order: orderOf(change, asked), place }, context);
  return [heard[0]?.reached, heard[0]?.env['SWM_BIND']];
}

const port = (number: number, direction: 'in' | 'out') =>
  ({ port: number, protocol: 'tcp', direction }) as const;
const boxed = (...ports: Spec['ports']) => ({ containerImage: 'a/b', ports });
const two = { nodes: ['n1', 'n2'], addresses: ['10.0.0.7', '10.0.0.8'] };

describe('the network of a job', () => {
  const reached = { address: '10.0.0.7', ports: [80] };
  const machine = [undefined, '10.0.0.7'];
  it.each([
    ['a container', started(boxed()), [{ ...reached, ports: [] }, '0.0.0.0']],
    ['one with a port', started(boxed(port(80, 'in'))), [reached, '0.0.0.0']],
    [
      'one that the operator lets share',
      started(boxed(port(80, 'in')), {}, false),
      [reached, '10.0.0.7'],
    ],
    ['one that reaches out', started(boxed(port(80, 'in'), port(81, 'out'))), machine],
    ['one of several', started({ ...boxed(), nodes: 2 }, two), machine],
    ['a process', started({ ports: [port(80, 'in')] }), machine],
  ])('of %s', async (_, seen, expected) => {
    expect(await seen).toEqual(expected);
  });
});
