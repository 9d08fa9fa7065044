import { describe, expect, it } from 'vitest';
import { cluster } from '../../src/actors/cluster/behaviour.ts';
import type { Cluster } from '../../src/actors/cluster/cluster.ts';
import { clusterTasks } from '../../src/actors/cluster/tasks.ts';
import type { Gate, MachineOrder } from '../../src/actors/ports.ts';
import { failure } from '../../src/protocol/errors.ts';
import { MADE, made, member } from './clusters.ts';
import { done, failed, Stage } from './stage.ts';
import { ID, onMade } from './things.ts';

const NEWS = [`tell /jobs/${ID} job.cluster`, 'tell /scheduler scheduler.cluster'];
const [N0 = '', N1 = ''] = onMade(2).nodes;
const silence = failure('unreachable', 'nobody answers');
const stranger = failure('refused', 'it is another host', false);
const step = (node: string, text: string) => ({ is: 'step', node, text });
const joining = (change: Partial<Cluster> = {}) =>
  new Stage<Cluster>(
    cluster,
    made('joining', {
      detail: 'Partition spawned',
      members: [member(N0, { phase: 'expected' })],
      ...change,
    }),
  );

describe('a machine that is made a node', () => {
  it('says at which step it is, to whoever waits for it, and no poll says otherwise', () => {
    const stage = joining();
    expect(stage.hear(step(N0, 'Uploading the worker'))).toEqual({
      phase: 'joining',
      moved: false,
      effects: NEWS,
    });
    expect(stage.sent('job.cluster').detail).toBe('Uploading the worker');
    expect(stage.hear(step(N0, 'Uploading the worker')).effects).toEqual([]);
    const says = { externalId: '/id/1', name: MADE, status: 'succeeded', description: '' };
    expect(stage.hear(done('poll', says)).effects).toEqual(['after 2000 again']);
    expect(stage.state.detail).toBe('Uploading the worker');
  });

  it('is named where it is one of several', () => {
    const members = [N0, N1].map((name) => member(name, { phase: 'expected' }));
    const stage = joining({ members });
    stage.hear(step(N1, 'Start secured tunnel'));
    expect(stage.state.detail).toBe(`Start secured tunnel (${N1})`);
  });

  it('is tried again while the cluster joins, unless the answer is a final one', () => {
    const stage = joining();
    expect(stage.hear(failed('attach', silence, N0))).toEqual({
      phase: 'joining',
      moved: false,
      effects: ['after 2000 attach'],
    });
    expect(stage.hear({ is: 'attach', node: N0 }).effects).toEqual([`run attach (${N0})`]);
    expect(stage.hear(failed('attach', stranger, N0))).toEqual({
      phase: 'releasing',
      moved: true,
      effects: [...NEWS, 'run remove'],
    });
    expect(stage.state.failure).toEqual(stranger);
  });

  it('that is up loses nothing but its way, and is attached again', () => {
    const stage = new Stage<Cluster>(cluster, made('up'));
    expect(stage.hear(failed('attach', silence, N0)).effects).toEqual(['after 2000 attach']);
    expect(stage.hear({ is: 'attach', node: N0 }).effects).toEqual([`run attach (${N0})`]);
    expect(stage.hear(failed('attach', stranger, N0))).toEqual({
      phase: 'up',
      moved: false,
      effects: [`note node ${N0} is not attached: it is another host`, 'after 60000 attach'],
    });
    expect(stage.hear(step(N0, 'Start secured tunnel')).effects).toEqual([]);
    expect(stage.hear(failed('poll', silence)).effects).toEqual(['after 2000 again']);
  });
});

describe('attaching', () => {
  const input = { remote: 'hosts', cluster: MADE, life: 2, node: N0 };
  const tasksOf = (gate: Partial<Gate>) =>
    clusterTasks({
      gates: new Map([['hosts', gate as Gate]]),
      installation: 'i',
      token: (name, life, node) => `${name} ${life} ${node}`,
      hash: (token) => token,
      bootstrap: async () => ({ heads: ['h:1'], caFingerprint: 'f' }),
    });
  const context = (emit: (event: object) => void = () => {}) => ({
    path: '/clusters/c',
    emit,
    signal: new AbortController().signal,
  });

  it('is nothing at a site whose machines join by themselves', async () => {
    const attached = tasksOf({}).attach(input, context());
    expect(await Promise.race([attached, Promise.resolve('lasts')])).toBe('lasts');
  });

  it('brings the token of that node alone to where the site says it is', async () => {
    const orders: MachineOrder[] = [];
    const steps: object[] = [];
    const gate: Partial<Gate> = {
      find: async () => ({ addresses: { [N0]: '10.0.0.7' } }) as never,
      attach: async (order, told) => {
        orders.push(order);
        told('Uploading the worker');
        throw new Error('it ends');
      },
    };
    const attached = tasksOf(gate).attach(
      input,
      context((event) => void steps.push(event)),
    );
    await expect(attached).rejects.toThrow('it ends');
    const tokens = { [N0]: `${MADE} 2 ${N0}` };
    const bootstrap = { heads: ['h:1'], caFingerprint: 'f', tokens };
    expect(orders).toEqual([{ partition: MADE, node: N0, address: '10.0.0.7', bootstrap }]);
    expect(steps).toEqual([step(N0, 'Uploading the worker')]);
  });

  it('waits for a site that does not know yet where it is', async () => {
    const gate: Partial<Gate> = {
      find: async () => ({ addresses: {} }) as never,
      attach: () => Promise.reject(new Error('too early')),
    };
    await expect(tasksOf(gate).attach(input, context())).rejects.toMatchObject({
      failure: { code: 'unreachable', retry: true },
    });
  });
});
