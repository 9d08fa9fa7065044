import { Failed } from '../../protocol/errors.ts';
import { jobEnvironment } from '../../protocol/jobscript/environment.ts';
import { limits } from '../../protocol/limits.ts';
import type { Order } from '../../protocol/model.ts';
import type { Tasks } from '../../runtime/family.ts';
import type { Clock } from '../../runtime/ports.ts';
import type {
  AttemptKey,
  Place,
  PlaceOrder,
  Processes,
  ProcessOrder,
  Progress,
  Workplace,
} from '../ports.ts';
import type { RunnerEvent, RunnerTasks } from './runner.ts';
import { type Secrets, secretFiles, secretsFor, secretVariables } from './secrets.ts';

export type RunnerPorts = {
  readonly processes: Processes;
  readonly workplace: Workplace;
  readonly clock: Clock;
  /** The address of this worker that a job's ports are to listen on. */
  readonly address: string;
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
  stdout: order.spec.stdout,
  stderr: order.spec.stderr,
  workdir: order.spec.workdir,
  user,
  secrets: secretFiles(order, secrets),
});

const inWork = (directory: string, path: string): string =>
  path.startsWith('/') ? path : `${directory}/${path}`;

/** Runs on a worker: brings inputs, starts the process, waits for it, takes the outputs home. */
export function runnerTasks(ports: RunnerPorts): Tasks<RunnerEvent, RunnerTasks> {
  const { processes, workplace, clock, accountOf } = ports;
  const told = (emit: (event: RunnerEvent) => void): Progress => {
    let last = 0;
    return (done, total) => {
      const now = clock.now();
      if (now - last < limits.progressMs && done < total) return;
      last = now;
      emit({ is: 'progress', done, total });
    };
  };
  return {
    stage: async (order, { emit, signal }) => {
      const secrets = await secretsFor(ports, order, 'file', signal);
      return workplace.stage(placeOf(order, accountOf(order.owner), secrets), told(emit), signal);
    },
    start: async ({ order, place }, { signal }) => {
      const secrets = await secretsFor(ports, order, 'env', signal);
      return processes.ensure(processOf(ports, order, place, secrets));
    },
    boot: async () => processes.bootMs(),
    renew: async ({ key, until }) => {
      await processes.renew(key, until);
      return null;
    },
    wait: (key, { signal }) => processes.exited(key, signal),
    kill: async ({ key, graceMs }, { signal }) => {
      await processes.stop(key, graceMs);
      return processes.exited(key, signal).catch((error: unknown) => {
        if (error instanceof Failed && error.failure.code !== 'bug') return null;
        throw error;
      });
    },
    collect: (order, { emit, signal }) =>
      workplace.collect(placeOf(order, accountOf(order.owner)), told(emit), signal),
    clear: async (key) => {
      await processes.forget(key);
      await workplace.clear(key);
      return null;
    },
  };
}

/** What is to run, and how. */
function processOf(ports: RunnerPorts, order: Order, place: Place, secrets: Secrets): ProcessOrder {
  const { spec, job, attempt, rank, nodes, addresses } = order;
  const user = ports.accountOf(order.owner);
  const env = jobEnvironment(
    {
      ...spec,
      onNodeLoss: spec.onNodeLoss ?? 'wait',
      secrets: spec.secrets ?? [],
      env: { ...spec.env, ...secretVariables(order, secrets) },
    },
    {
      job,
      attempt,
      task: null,
      rank,
      nodes: nodes.map((name, i) => ({ name, address: addresses[i] ?? '' })),
      user: user || ports.user,
      home: place.directory,
      bind: ports.address,
      shell: '/bin/sh',
      path: ports.path,
      lang: 'C.UTF-8',
    },
  );
  return {
    key: keyOf(order),
    directory: place.directory,
    script: place.script,
    env,
    stdin: spec.stdin === '' ? '' : inWork(place.directory, spec.stdin),
    stdout: place.stdout,
    stderr: place.stderr,
    user,
    limits: order.resources,
  };
}
