import type { Held } from '../src/actors/scheduler/land.ts';
import { type ClusterNews, type Scheduler, scheduler } from '../src/actors/scheduler/scheduler.ts';
import { emptySpec } from '../src/protocol/jobscript/spec.ts';
import { type Body, message } from '../src/protocol/messages.ts';
import type { Spec } from '../src/protocol/model.ts';
import { defaultPolicy } from '../src/protocol/policy.ts';
import { type Measures, median, run } from './rounds.ts';

/**
 * How long does the scheduler take for a pass with 100,000 jobs in 1,000 lines and 10,000 nodes,
 * from scratch and after one job has ended, beside a bare look of each line at each node?
 */
const NODES = 10_000;
const WAITING = 100_000;
const LINES = 1_000;
const CPUS = 64;
/** A scheduler that is at work has passed over them before. */
const PASSES = 20;
const NOW = 1_700_000_000_000;
const HOUR = 3_600_000;

const uuid = (n: number): string =>
  `${n.toString(16).padStart(8, '0')}-0000-7000-8000-000000000000`;
const resources = (cpus: number) => ({ cpus, memoryBytes: cpus * 2 ** 30, gpus: 0 });

/** So many ways to ask, most for some cpus of one node, some for several nodes. */
function asked(n: number): Spec {
  const cpus = 1 + (n % 50);
  return {
    ...(emptySpec as Spec),
    account: `a${n % 20}`,
    cpus,
    memoryBytes: cpus * 2 ** 30,
    nodes: n % 25 === 0 ? 4 : 1,
    priority: n % 10,
    walltimeMs: HOUR * (1 + Math.floor(n / 50)),
  };
}

const waiting = Array.from({ length: WAITING }, (_, n) => ({
  id: uuid(n),
  attempt: 1,
  submittedAt: NOW - WAITING + n,
  notBefore: 0,
  spec: asked(n % LINES),
  owner: `u${n % 100}`,
}));

const tenure = { owner: 'u1', account: 'a1', queue: '', priority: 0, preemptible: false };
const held = (node: number, half: number): Held => ({
  job: uuid(WAITING + node * 2 + half),
  attempt: 1,
  resources: resources(CPUS / 2),
  ports: [],
  nodes: [`n${node}`],
  since: NOW - HOUR,
  tenure: { ...tenure, walltimeMs: HOUR * (2 + ((node * 7 + half) % 40)) },
});

/** All nodes are full, but for those on which one has ended. */
function news(holds: readonly Held[]): ClusterNews {
  const used = new Map<string, number>();
  for (const { nodes, resources: of } of holds)
    for (const node of nodes) used.set(node, (used.get(node) ?? 0) + of.cpus);
  return {
    ...{ cluster: 'here', open: true, claimed: null, made: null },
    nodes: Array.from({ length: NODES }, (_, n) => ({
      name: `n${n}`,
      up: true,
      free: resources(CPUS - (used.get(`n${n}`) ?? 0)),
      total: resources(CPUS),
      ports: [],
    })),
    holds: [...holds],
  };
}

const full = Array.from({ length: NODES * 2 }, (_, n) => held(n >> 1, n & 1));

const told = (body: Body<'scheduler.cluster'>): Heard =>
  ({
    is: 'told',
    message: message('scheduler.cluster', body),
    ask: 0,
    who: { door: 'local', id: 'bench' },
  }) as Heard;
type Heard = Parameters<typeof scheduler.on>[1];

const hear = (state: Scheduler, event: Heard): Scheduler => scheduler.on(state, event, NOW)[0];
const pass = (state: Scheduler): Scheduler => hear(state, { is: 'pass', at: state.passAt });

function begun(cluster: ClusterNews): Scheduler {
  const args = { relocate: 'asked', remotes: [], policy: defaultPolicy } as const;
  const page = { is: 'done', task: 'load', key: '', value: { jobs: waiting, next: '' } } as const;
  return hear(hear(scheduler.init(args, NOW), told(cluster)), page);
}

function timed(work: () => Scheduler, isRight: (after: Scheduler) => boolean): number {
  const before = performance.now();
  const after = work();
  const ms = performance.now() - before;
  if (!isRight(after)) throw new Error('it did not place what it should');
  return ms;
}

const ended = news(full.slice(1));
const isSome = ({ proposed }: Scheduler): boolean => proposed.size > 0;
const isNone = ({ proposed, refused }: Scheduler): boolean =>
  proposed.size === 0 && refused.size === LINES;

/** One ends, and one begins: its news are heard, and a pass follows. */
function ours(): Measures {
  const crowded = begun(news(full));
  let started = crowded;
  const scratch = timed(() => (started = pass(crowded)), isNone);
  const one = Array.from({ length: PASSES }, () =>
    timed(() => pass(hear(started, told({ ...ended }))), isSome),
  );
  return { one: median(one), scratch };
}

/** Each line is held against each node, with nothing kept from one to the next. */
function bare(): Measures {
  const nodes = ended.nodes.map(({ free }) => free);
  const before = performance.now();
  let found = 0;
  for (let n = 0; n < LINES; n++) {
    const { cpus, memoryBytes, gpus } = waiting[n]?.spec ?? emptySpec;
    for (const free of nodes)
      if (free.cpus >= cpus && free.memoryBytes >= memoryBytes && free.gpus >= gpus) found++;
  }
  if (found === 0) throw new Error('nothing was found');
  const ms = performance.now() - before;
  return { one: ms, scratch: ms };
}

await run({
  name: 'pass',
  units: { one: 'ms', scratch: 'ms' },
  setup: `${NODES} full nodes, ${WAITING} jobs in ${LINES} lines; each line held against each node`,
  ours: { name: 'pass', run: ours },
  beside: { name: 'look', run: bare },
});
