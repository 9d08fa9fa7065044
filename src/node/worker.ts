import { availableParallelism, totalmem, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { AttemptKey, Exit } from '../actors/ports.ts';
import type { Runner } from '../actors/runner/runner.ts';
import type { RunnerPorts } from '../actors/runner/tasks.ts';
import type { Config } from '../config.ts';
import type { DiskBlobs } from '../platform/blobs.ts';
import { type LocalContainers, openContainers } from '../platform/container/containers.ts';
import { credentialsFrom } from '../platform/container/credentials.ts';
import { engineFinder } from '../platform/container/engine.ts';
import { openImages } from '../platform/container/images.ts';
import type { FollowOrder, LocateLog, LogSource } from '../platform/follow.ts';
import { gpuTable } from '../platform/gpu-table.ts';
import type { ResolvePort } from '../platform/job-port.ts';
import { type OutsOptions, openOuts, outAddressOf } from '../platform/outs.ts';
import { type Account, accounts } from '../platform/process/account.ts';
import { countedEntries, type Enter } from '../platform/process/exec.ts';
import { openMeter } from '../platform/process/meter.ts';
import { type LocalProcesses, openProcesses } from '../platform/process/processes.ts';
import type { Spool } from '../platform/spool.ts';
import {
  openTaskSockets,
  type TaskSocketsOptions,
  type TaskWish,
} from '../platform/task/sockets.ts';
import { type Carrier, workplace } from '../platform/workplace.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { message, type Reply } from '../protocol/messages.ts';
import type { Resources } from '../protocol/model.ts';
import type { Node } from '../runtime/node.ts';
import type { Clock, Note } from '../runtime/ports.ts';
import { ask } from './ask.ts';
import { reachable } from './elsewhere.ts';
import { enterBy } from './enter.ts';

export type WorkerSetup = {
  readonly config: Config;
  readonly spool: Spool;
  readonly blobs: DiskBlobs;
  readonly carrier: Carrier;
  /** How connections of its jobs get out. */
  readonly ways: Pick<OutsOptions, 'lead' | 'isThere'> & {
    readonly leadTask: TaskSocketsOptions['lead'];
  };
  readonly clock: Clock;
  readonly note: Note;
  /** The node, once it is there: what runs jobs is made before it. */
  readonly node: () => Node;
};

export type Worker = {
  readonly ports: RunnerPorts;
  /** What runs tasks of an attempt of this worker. */
  agentOf(wish: TaskWish): Promise<Duplex>;
  /** Finds the log of an attempt of this worker, by what its runner knows. */
  locate(node: Node): LocateLog;
  /** Where a job of this worker listens, if it runs and asked for that port. */
  resolve(node: Node): ResolvePort;
  /** Runs commands inside what runs here. */
  enter(node: Node): Enter;
  close(): void;
};

const ACCOUNT_MS = 60_000;
const isRoot = (): boolean => process.geteuid?.() === 0;

/** What runs the jobs of this machine. */
export async function openWorker(setup: WorkerSetup): Promise<Worker> {
  const { config, spool, note, clock, blobs, carrier } = setup;
  const jobs = await jobsFolder(spool, note);
  const look = accounts(ACCOUNT_MS, () => clock.now());
  const accountOf = async (name: string): Promise<Account | undefined> =>
    isRoot() ? look(name || config.jobs.user) : undefined;
  if (!isRoot())
    note('warn', '/runners', `jobs run as ${userInfo().username}, as swm itself does`, {
      mend: 'start swm as root and set jobs.user, so that jobs cannot reach what is swm’s',
    });
  const mark = markOf(spool);
  const directory = join(spool.path, 'run', 'attempts');
  const find = engineOf(config, directory);
  const { installation } = spool;
  const { network } = config.containers;
  const shared = { directory, mark, note, spool: jobs };
  const containers = openContainers({ ...shared, find, installation, network });
  const processes = await openProcesses({
    ...shared,
    containers,
    jobsUser: config.jobs.user,
    logBytesMax: config.jobs.logBytesMax,
    slots: Math.max(1, Math.min(availableParallelism(), resourcesOf(config).cpus)),
  });
  const ways = openWays(setup, accountOf);
  const ended = new Ends();
  const counted = countedEntries();
  const ports: RunnerPorts = {
    processes: {
      ...processes,
      exited: (key, signal) => ended.after(processes.exited(key, signal), key),
    },
    meter: meterOf(config, processes),
    images: openImages(find, credentialsFrom(config.containers.credentials)),
    workplace: workplace({ directory: jobs, blobs, carrier, accountOf }),
    ...ways,
    clock,
    address: config.address,
    ownNetworks: network === 'own',
    path: config.jobs.path,
    user: isRoot() ? config.jobs.user : userInfo().username,
    accountOf: () => '',
    secrets: secretsFrom(setup),
  };
  return {
    agentOf: async (wish) => ways.tasks.agentOf(wish),
    locate: (node) => async (order) => ({
      ...ended.sourceOf(node, order),
      owner: (await accountOf(''))?.uid,
    }),
    resolve: resolveBy(containers, config.address),
    enter: (node) => counted(enterBy({ node, ports, processes, accountOf, find })),
    ports,
    close: () => {
      void ways.outs.closeAll();
      void ways.tasks.closeAll();
      processes.close();
    },
  };
}

const engineOf = ({ containers: { socket, engine, ...files } }: Config, folder: string) =>
  engineFinder(socket, engine === '' ? undefined : { url: engine, folder, ...files });

/** Graphics processors are looked at where jobs may have some. */
const meterOf = ({ resources }: Config, { membership }: LocalProcesses): RunnerPorts['meter'] =>
  openMeter({ membership, gpus: resources.gpus > 0 ? gpuTable() : undefined });

/** What every process of a job of ours has in its environment. */
function markOf({ installation }: Spool): Readonly<Record<string, string>> {
  const machine = process.env['SWM_MACHINE'];
  const ours = { SWM_INSTALLATION: installation };
  return machine === undefined ? ours : { ...ours, SWM_MACHINE: machine };
}

/** What is open for jobs while they run: the way to who submitted them, and to their own nodes. */
function openWays(
  { config, ways }: WorkerSetup,
  accountOf: (name: string) => Promise<Account | undefined>,
) {
  const outAddress = outAddressOf(config.address);
  const uidOf = async (name: string): Promise<number | undefined> =>
    isRoot() ? (await accountOf(name))?.uid : process.geteuid?.();
  const outs = openOuts({ address: outAddress, uidOf, ...ways });
  return { outAddress, outs, tasks: openTaskSockets({ lead: ways.leadTask, accountOf }) };
}

const secretsFrom =
  ({ config, node }: WorkerSetup): RunnerPorts['secrets'] =>
  async (key) => {
    const question = message('job.secrets', { ...key, node: config.name });
    const answer = await ask(node(), `/jobs/${key.job}`, question, limits.secretsMs);
    return (answer as Reply<'job.secrets'>).secrets;
  };

/** Which attempts write no more: their process has ended, and the rest of its tree is dead. */
class Ends {
  readonly #over = new Set<string>();
  readonly #heard = new Map<string, Set<() => void>>();

  async after(exited: Promise<Exit>, key: AttemptKey): Promise<Exit> {
    const exit = await exited;
    const name = nameOf(key);
    this.#over.add(name);
    for (const then of this.#heard.get(name) ?? []) then();
    this.#heard.delete(name);
    return exit;
  }

  sourceOf(node: Node, order: FollowOrder): LogSource {
    const name = nameOf(order);
    const state = (): Runner | undefined =>
      node.routes.find(`/runners/${name}`)?.state as Runner | undefined;
    const path = state()?.place?.[order.stream];
    if (path === undefined) throw new Failed('not_found', `attempt ${name} has no log here`);
    const isFinal = (): boolean =>
      this.#over.has(name) ||
      !['starting', 'running', 'saving', 'stopping'].includes(state()?.phase ?? '');
    return {
      path,
      isFinal,
      onFinal: (then) => {
        const heard = this.#heard.get(name) ?? new Set();
        this.#heard.set(name, heard.add(then));
        if (isFinal()) queueMicrotask(then);
        return () => void heard.delete(then);
      },
    };
  }
}

const resolveBy =
  (containers: LocalContainers, address: string): Worker['resolve'] =>
  (node) =>
  (job, port) => {
    const key = listenerOf(node, job, port);
    return key && { host: containers.addressOf(key) ?? address, port };
  };

/** The attempt of the job that runs here and listens there, if it asked for that port. */
function listenerOf(node: Node, job: string, port: number): AttemptKey | undefined {
  for (const { state } of node.routes.find('/runners')?.children.living ?? []) {
    const { key, order, phase } = state as Runner;
    if (key.job !== job || key.rank !== 0 || (phase !== 'running' && phase !== 'saving')) continue;
    if (order?.spec.ports.some((p) => p.port === port && p.direction === 'in')) return key;
  }
  return undefined;
}

const nameOf = ({ job, attempt, rank }: AttemptKey): string => `${job}.${attempt}.${rank}`;

/** What jobs may have of this machine: what the config says, else all there is. */
export const resourcesOf = ({ resources }: Config): Resources => ({
  cpus: resources.cpus || availableParallelism(),
  memoryBytes: resources.memoryBytes || totalmem(),
  gpus: resources.gpus,
  ...(resources.named && { named: resources.named }),
});

async function jobsFolder(spool: Spool, note: Note): Promise<string> {
  const folder = await reachable(spool);
  if (folder === spool.path) return spool.places.jobs;
  note('warn', '/runners', `jobs have their directories in ${folder}: ${spool.warnings[0]}`);
  return join(folder, 'job');
}
