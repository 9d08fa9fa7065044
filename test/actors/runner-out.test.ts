import { describe, expect, it } from 'vitest';
import { outTarget } from '../../src/actors/job/out-target.ts';
import type { PlaceOrder, ProcessOrder } from '../../src/actors/ports.ts';
import { runner } from '../../src/actors/runner/behaviour.ts';
import type { Runner } from '../../src/actors/runner/runner.ts';
import { type RunnerPorts, runnerTasks } from '../../src/actors/runner/tasks.ts';
import type { Meter, Outs, TaskSockets } from '../../src/actors/ways.ts';
import { failure } from '../../src/protocol/errors.ts';
import { aRunner, orderOf, place } from './runners.ts';
import { done, failed, Stage } from './stage.ts';
import { exit, ID, one, spec } from './things.ts';

const REPORT = `tell /jobs/${ID} job.report`;
const ENTER = [REPORT, 'after 2000 remind'];
const port = (number: number, direction: 'in' | 'out') =>
  ({ port: number, protocol: 'tcp', direction }) as const;
const ASKED = { ports: [port(80, 'in'), port(81, 'out')] };
const on = (phase: Runner['phase'], change: Partial<Runner> = {}) =>
  new Stage<Runner>(runner, aRunner(phase, change, ASKED));

describe('a runner with ports that lead out', () => {
  it('has them led out again when its worker comes back', () => {
    expect(on('running').entered()).toEqual([...ENTER, 'run wait', 'run lead']);
    for (const phase of ['staged', 'stopping', 'collecting', 'over'] as const)
      expect(on(phase).entered()).not.toContain('run lead');
  });

  it('tries again for as long as it runs, and says so meanwhile', () => {
    const stage = on('running', { seq: 5 });
    const held = failed('lead', failure('port_busy', 'Port 81 is held.'));
    expect(stage.hear(held)).toEqual({
      phase: 'running',
      moved: false,
      effects: ['after 1000 lead', REPORT],
    });
    expect(stage.state.detail).toBe('its ways out are not open: Port 81 is held.');
    expect(stage.hear({ is: 'lead' }).effects).toEqual(['run lead']);
    expect(stage.hear(held).effects).toEqual(['after 1000 lead']);
    expect(stage.hear(done('lead')).effects).toEqual([REPORT]);
    expect(stage.state).toMatchObject({ phase: 'running', detail: '' });
    expect(stage.hear(done('lead')).effects).toEqual([]);
  });

  it('does not start without them', () => {
    expect(on('starting').hear(failed('start', failure('port_busy', 'held')))).toMatchObject({
      phase: 'stopping',
      effects: [...ENTER, 'run kill'],
    });
  });
});

describe('the ports of a process', () => {
  const staged: PlaceOrder[] = [];
  const ensured: ProcessOrder[] = [];
  /** What is done in which order. */
  function ports(): { readonly did: string[]; readonly ports: RunnerPorts } {
    const did: string[] = [];
    const outs: Outs = {
      open: async ({ key, ports: open, to }) =>
        void did.push(`open ${key.rank} ${open} to ${to.host}`),
      close: async ({ rank }) => void did.push(`close ${rank}`),
    };
    const processes = {
      ensure: async (order: ProcessOrder) => {
        ensured.push(order);
        did.push('ensure');
      },
      exited: async () => {
        did.push('exited');
        return exit();
      },
      stop: async () => void did.push('stop'),
    };
    const tasks: TaskSockets = {
      open: async ({ key, socket }) => void did.push(`tasks ${key.rank} ${socket}`),
      close: async ({ rank }) => void did.push(`no tasks ${rank}`),
    };
    const workplace = { stage: async (order: PlaceOrder) => void staged.push(order) };
    const clock = { now: () => 0 };
    const rest = { path: '', user: '', accountOf: () => '', address: '', outAddress: '' };
    const meter: Meter = {
      watch: () => {
        did.push('watch');
        return () => void did.push('watch no more');
      },
    };
    const all = { outs, tasks, meter, processes, workplace, clock, ...rest };
    return { did, ports: all as unknown as RunnerPorts };
  }
  const context = { signal: new AbortController().signal, emit: () => {}, path: '' };
  const key = { job: ID, attempt: 1, rank: 0 };

  it('are open before it starts, and closed once it has ended', async () => {
    const { did, ports: lent } = ports();
    const tasks = runnerTasks(lent);
    const order = orderOf({ from: '10.0.0.9' }, ASKED);
    await tasks.start({ order, place }, context);
    await tasks.lead({ order, place }, context);
    await tasks.wait(key, context);
    await tasks.kill({ key, graceMs: 0 }, context);
    expect(did).toEqual([
      'open 0 81 to 10.0.0.9',
      'ensure',
      'open 0 81 to 10.0.0.9',
      'watch',
      'exited',
      'close 0',
      'no tasks 0',
      'watch no more',
      'stop',
      'close 0',
      'no tasks 0',
      'exited',
    ]);
  });

  it('shows a container the storages of its job', async () => {
    const { start } = runnerTasks(ports().ports);
    const started = async (containerImage: string) => {
      const order = orderOf({}, { containerImage, storage: ['data'] });
      await start({ order, place }, context);
      return ensured.at(-1) as ProcessOrder;
    };
    const boxed = await started('busybox');
    expect(boxed.folders).toEqual(['/mnt/swm/data']);
    expect(boxed.env['SWM_STORAGE_DATA']).toBe('/mnt/swm/data');
    expect(await started('')).not.toHaveProperty('folders');
  });

  it('of a job of several nodes has a list of them, and those of its tasks a socket', async () => {
    const { did, ports: lent } = ports();
    const tasks = runnerTasks({ ...lent, path: '/bin' });
    const several = {
      nodes: ['n1', 'n2'],
      addresses: ['10.0.0.1', ''],
      resources: { ...one, cpus: 4 },
    };
    const started = async (rank: number, ranks: 'main' | 'all') => {
      const order = orderOf({ ...several, rank }, { ranks, nodes: 2 });
      await tasks.stage(order, context);
      await tasks.start({ order, place }, context);
      const { hosts, tasks: aid } = staged.at(-1) as PlaceOrder;
      const { env } = ensured.at(-1) as ProcessOrder;
      return [hosts, aid, env['SWM_HOSTFILE'], env['SWM_TASK_SOCKET'], env['PATH']];
    };
    const hosts = '10.0.0.1 slots=4\nn2 slots=4\n';
    expect(await started(0, 'main')).toEqual([
      ...[hosts, 'command', '/j/hosts', '/j/tasks.sock', '/j/bin:/bin'],
    ]);
    expect(await started(1, 'main')).toEqual([
      ...[hosts, 'agent', '/j/hosts', '/j/tasks.sock', '/bin'],
    ]);
    expect(did).toContain('tasks 1 /j/tasks.sock');
    did.length = 0;
    expect(await started(1, 'all')).toEqual([hosts, 'none', '/j/hosts', '', '/bin']);
    expect(did).not.toContain('tasks 1 /j/tasks.sock');
    const alone = orderOf();
    await tasks.stage(alone, context);
    await tasks.start({ order: alone, place }, context);
    expect((staged.at(-1) as PlaceOrder).hosts).toBe('');
    expect((ensured.at(-1) as ProcessOrder).env['SWM_HOSTFILE']).toBe('');
  });

  it.each([
    ['', '10.0.0.9', { host: '10.0.0.9', submitter: '10.0.0.9', head: '' }],
    ['', '127.0.0.1@head-2', { host: '127.0.0.1', submitter: '127.0.0.1', head: 'head-2' }],
    ['hub', '127.0.0.1@h', { host: 'hub', submitter: '127.0.0.1', head: 'h' }],
    ['[fe80::1]', '::1@h', { host: 'fe80::1', submitter: '::1', head: 'h' }],
    ['', '', { host: '', submitter: '', head: '' }],
  ])('lead to what was asked, else to who submitted: %j from %j', (asked, from, target) => {
    expect(outTarget(spec({ submissionAddress: asked }), from)).toEqual(target);
  });
});
