import type { Checkpoint, Order } from '../../protocol/attempt.ts';
import { Failed } from '../../protocol/errors.ts';
import { sharesNetwork } from '../../protocol/jobscript/container-network.ts';
import { checkpointDirOf, jobEnvironment } from '../../protocol/jobscript/environment.ts';
import { logPathOf } from '../../protocol/jobscript/slurm-environment.ts';
import { emptySpec } from '../../protocol/jobscript/spec.ts';
import { storagePath } from '../../protocol/jobscript/storage.ts';
import { limits } from '../../protocol/limits.ts';
import type { Tasks } from '../../runtime/family.ts';
import type { Clock } from '../../runtime/ports.ts';
import { outTarget } from '../job/out-target.ts';
import type {
  AttemptKey,
  Images,
  Place,
  PlaceOrder,
  Processes,
  ProcessOrder,
  Progress,
  Workplace,
} from '../ports.ts';
import type { Meter, OutOrder, Outs, ShiftFiles, TaskSockets } from '../ways.ts';
import type { RunnerEvent, RunnerTasks } from './runner.ts';
import { loginFor, type Secrets, secretFiles, secretsFor, secretVariables } from './secrets.ts';

export type RunnerPorts = {
  readonly processes: Processes;
  readonly images: Images;
  readonly workplace: Workplace;
  readonly outs: Outs;
  readonly tasks: TaskSockets;
  readonly meter: Meter;
  readonly shifts: ShiftFiles;
  readonly clock: Clock;
  /** The address of this worker that a job's ports are to listen on. */
  readonly address: string;
  /** Whether containers get networks of their own; else they have the one of this machine. */
  readonly ownNetworks: boolean;
  /** The one on which they reach their `out` ports. */
  readonly outAddress: string;
  /** What jobs find commands by. */
  readonly path: string;
  /** The account that jobs without one of their own run as. */
  readonly user: string;
  /** The local account that a job of this owner runs as; '' is the one above. */
  readonly accountOf: (owner: string) => string;
  /** Asks the head for the secrets of an attempt of this worker. Throws `Failed`. */
  readonly secrets: (key: AttemptKey) => Promise<Secrets>;
};

const keyOf = ({ job, attempt, rank }: Order): AttemptKey => ({ job, attempt, rank });

const placeOf = (order: Order, user: string, secrets: Secrets = {}): PlaceOrder => ({
  key: keyOf(order),
  script: order.script,
  scriptBlob: order.scriptBlob,
  inputs: order.inputs,
  // The others have a directory of their own: only the main node's files are the job's.
  outputs: order.rank === 0 ? order.spec.outputFiles : [],
  stdout: logPathOf(order.spec.stdout, order.spec.slurm, order.job),
  stderr: logPathOf(order.spec.stderr, order.spec.slurm, order.job),
  workdir: order.spec.workdir,
  user,
  checkpointDir: checkpointDirOf(order.spec, order.job),
  restored: order.checkpoint?.files ?? [],
  hosts: hostsOf(order),
  ...(order.shift && { taskMs: order.shift.taskMs }),
  tasks: order.spec.ranks !== 'main' ? 'none' : order.rank === 0 ? 'command' : 'agent',
  secrets: secretFiles(order, secrets),
});

/** As programs of several processes read it. */
const hostsOf = ({ nodes, addresses, resources }: Order): string =>
  nodes.length === 1
    ? ''
    : nodes.map((node, at) => `${addresses[at] || node} slots=${resources.cpus}\n`).join('');

/** What is swm's in an attempt's place lies beside the script. */
const beside = ({ script }: Place, name: string): string => script.replace(/[^/]*$/, name);

const outOf = (order: Order, user: string): OutOrder => ({
  key: keyOf(order),
  ports: order.spec.ports.filter((p) => p.direction === 'out').map((p) => p.port),
  to: outTarget(order.spec, order.from ?? ''),
  user,
});

const inWork = (directory: string, path: string): string =>
  path.startsWith('/') ? path : `${directory}/${path}`;

/** Runs on a worker: brings inputs, starts the process, waits for it, takes the outputs home. */
export function runnerTasks(ports: RunnerPorts): Tasks<RunnerEvent, RunnerTasks> {
  const { processes, images, workplace, clock, accountOf } = ports;
  const doors = doorsOf(ports);
  const told = (emit: (event: RunnerEvent) => void, image?: string): Progress => {
    let last = 0;
    return (done, total) => {
      const now = clock.now();
      if (now - last < limits.progressMs && done < total) return;
      last = now;
      emit({ is: 'progress', done, total, ...(image !== undefined && { image }) });
    };
  };
  return {
    stage: async (order, { emit, signal }) => {
      const secrets = await secretsFor(ports, order, 'file', signal);
      const to = placeOf(order, accountOf(order.owner), secrets);
      const place = await workplace.stage(to, told(emit), signal);
      const image = order.spec.containerImage;
      const login = await loginFor(ports, order, signal);
      if (image !== '') await images.bring(image, told(emit, image), signal, login);
      return place;
    },
    // It may connect at once.
    start: async ({ order, place }, { signal }) => {
      const wanted = await processLike(ports, { order, place }, signal);
      await doors.open(order, place);
      return processes.ensure(wanted);
    },
    lead: async ({ order, place }) => {
      await doors.open(order, place);
      return null;
    },
    boot: async () => processes.bootMs(),
    renew: async ({ key, until }) => {
      await processes.renew(key, until);
      return null;
    },
    checkpoint: (order, { signal }) => save(ports, order, signal),
    ...endsOf(ports, doors),
    collect: (order, { emit, signal }) =>
      workplace.collect(placeOf(order, accountOf(order.owner)), told(emit), signal),
    ...shiftTasks(ports),
    clear: async (key) => {
      await processes.forget(key);
      await workplace.clear(key);
      return null;
    },
  };
}

/** Waits for the end of a process, or brings it about; what it uses is told meanwhile. */
function endsOf(
  { processes, meter }: RunnerPorts,
  doors: ReturnType<typeof doorsOf>,
): Pick<Tasks<RunnerEvent, RunnerTasks>, 'wait' | 'kill'> {
  return {
    wait: async (key, { signal, emit }) => {
      const stop = meter.watch(key, (sample) => emit({ is: 'measured', sample }));
      try {
        const exit = await processes.exited(key, signal);
        await doors.close(key);
        return exit;
      } finally {
        stop();
      }
    },
    kill: async ({ key, graceMs }, { signal }) => {
      await processes.stop(key, graceMs);
      await doors.close(key);
      return processes.exited(key, signal).catch((error: unknown) => {
        if (error instanceof Failed && error.failure.code !== 'bug') return null;
        throw error;
      });
    },
  };
}

const shiftTasks = ({
  shifts,
  accountOf,
}: RunnerPorts): Pick<Tasks<RunnerEvent, RunnerTasks>, 'news' | 'feed' | 'recall'> => ({
  news: (order, { signal }) => shifts.news({ ...order, user: accountOf(order.owner) }, signal),
  feed: async (order) => {
    await shifts.feed(order);
    return null;
  },
  recall: async (order) => {
    await shifts.recall(order);
    return null;
  },
});

/** What is open for a job while it runs. */
function doorsOf({ outs, tasks, accountOf }: RunnerPorts) {
  return {
    open: async (order: Order, place: Place): Promise<void> => {
      const user = accountOf(order.owner);
      await outs.open(outOf(order, user));
      const socket = beside(place, TASK_SOCKET);
      if (order.spec.ranks === 'main') await tasks.open({ key: keyOf(order), socket, user });
    },
    close: async (key: AttemptKey): Promise<void> => {
      await outs.close(key);
      await tasks.close(key);
    },
  };
}

const TASK_SOCKET = 'tasks.sock';

/** What the main process has saved, once the heads have it. */
async function save(
  { processes, workplace, clock, accountOf }: RunnerPorts,
  { order, ms }: RunnerTasks['checkpoint'][0],
  signal: AbortSignal,
): Promise<Checkpoint | null> {
  const place = placeOf(order, accountOf(order.owner));
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  processes.exited(place.key, signal).then(over, over);
  const ask = (): Promise<boolean> =>
    processes.signal(place.key, order.spec.checkpointSignal ?? 'usr1');
  const files = await workplace.checkpoint(place, { ask, isOver: () => isOver }, ms, signal);
  return files && { at: clock.now(), attempt: order.attempt, files: [...files] };
}

/** How the process of an attempt was started, for what is to be beside it. */
export const processLike = async (
  ports: RunnerPorts,
  { order, place }: RunnerTasks['start'][0],
  signal: AbortSignal,
): Promise<ProcessOrder> =>
  processOf(ports, order, place, await secretsFor(ports, order, 'env', signal));

/** What is to run, and how. */
function processOf(ports: RunnerPorts, order: Order, place: Place, secrets: Secrets): ProcessOrder {
  const { spec, job, attempt, rank, nodes, addresses, shift } = order;
  const user = ports.accountOf(order.owner);
  const saves = checkpointDirOf(spec, job);
  const hasTasks = spec.ranks === 'main';
  const reached = reachedAt(ports.address, spec);
  const env = jobEnvironment(
    {
      ...emptySpec,
      ...spec,
      env: { ...spec.env, ...secretVariables(order, secrets) },
    },
    {
      job,
      attempt,
      array: spec.array && shift ? { id: shift.array, ...spec.array } : null,
      rank,
      nodes: nodes.map((name, i) => ({ name, address: addresses[i] ?? '' })),
      user: user || ports.user,
      home: place.directory,
      checkpointDir: saves === '' ? '' : inWork(place.directory, saves),
      restarted: Boolean(order.checkpoint),
      bind: reached && ports.ownNetworks ? EVERYWHERE : ports.address,
      out: ports.outAddress,
      hostfile: nodes.length === 1 ? '' : beside(place, 'hosts'),
      taskSocket: hasTasks ? beside(place, TASK_SOCKET) : '',
      shell: '/bin/sh',
      path: hasTasks && rank === 0 ? `${beside(place, 'bin')}:${ports.path}` : ports.path,
      lang: 'C.UTF-8',
    },
  );
  const image = spec.containerImage;
  return {
    key: keyOf(order),
    directory: place.directory,
    script: place.script,
    // An image knows best where its own commands are.
    env: image === '' || spec.env['PATH'] !== undefined ? env : without(env, 'PATH'),
    stdin: spec.stdin === '' ? '' : inWork(place.directory, spec.stdin),
    stdout: place.stdout,
    stderr: place.stderr,
    user,
    limits: order.resources,
    ...(image !== '' && { image, folders: spec.storage.map(storagePath) }),
    ...(reached && { reached }),
  };
}

/** In a network of its own. */
const EVERYWHERE = '0.0.0.0';

/** By what its container is reached, if it can do with a network of its own. */
const reachedAt = (address: string, { containerImage, nodes, ports }: Order['spec']) =>
  containerImage === '' || sharesNetwork({ nodes, ports }) !== ''
    ? undefined
    : { address, ports: ports.map(({ port }) => port) };

const without = (env: Readonly<Record<string, string>>, name: string): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter(([one]) => one !== name));
