import { expect, it } from 'vitest';
import { clusterTasks } from '../../src/actors/cluster/tasks.ts';
import type { Gate, PartitionOrder } from '../../src/actors/ports.ts';

const made = { remote: 'local', flavor: 'small', image: 'host', price: 0 };
const input = { cluster: 'c', life: 1, job: 'j', owner: 'o', made, nodes: ['c-0'] };
const context = { path: '/clusters/c', emit: () => {}, signal: new AbortController().signal };

it('orders no machine before it can be told where its head is', async () => {
  const orders: PartitionOrder[] = [];
  const gate = {
    create: async (order: PartitionOrder) => {
      orders.push(order);
      return { name: order.name };
    },
  } as unknown as Gate;
  const door = Promise.withResolvers<readonly string[]>();
  const tasks = clusterTasks({
    gates: new Map([['local', gate]]),
    installation: 'i',
    token: (cluster, life, node) => `${cluster} ${life} ${node}`,
    hash: (token) => token,
    bootstrap: async () => ({ heads: await door.promise, caFingerprint: 'f' }),
  });
  const created = tasks.create(input, context);
  await new Promise((resolve) => setImmediate(resolve));
  expect(orders).toEqual([]);
  door.resolve(['127.0.0.1:4711']);
  await created;
  const tokens = { 'c-0': 'c 1 c-0' };
  const bootstrap = { heads: ['127.0.0.1:4711'], caFingerprint: 'f', tokens };
  expect(orders).toMatchObject([{ name: 'c', bootstrap }]);
});
