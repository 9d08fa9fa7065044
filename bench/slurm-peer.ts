import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { until } from '../test/chaos/until.ts';
import { needPackages } from '../test/e2e/packages.ts';
import { freePort } from '../test/platform/free-port.ts';

/** A whole Slurm of this machine alone: its controller, its node, and who vouches for both. */
export type Slurm = {
  readonly version: string;
  /** Submits one job, or an array of so many, and resolves once it is kept. */
  submit(script: string, logs: string, tasks?: number): Promise<void>;
  /** Whether its node may start jobs. */
  open(isOpen: boolean): Promise<void>;
  /** A line for each job that has ended since the last time, once there are so many. */
  ended(count: number): Promise<readonly string[]>;
  close(): Promise<void>;
};

/** As many jobs at once on a core, which need not wait for one another. */
export const PER_CORE = 32;
const LOOK_MS = 5;
const SECONDS = 600;

const run = promisify(execFile);

/** Installs Slurm if need be, and starts it on loopback, with all that it keeps in one folder. */
export async function openSlurm(): Promise<Slurm> {
  needPackages({ slurmctld: 'slurm-wlm', munged: 'munge' });
  const home = await mkdtemp(join(tmpdir(), 'swm-bench-slurm-'));
  const config = await written(home);
  const env = { ...process.env, SLURM_CONF: config, LC_ALL: 'C' };
  const started: ChildProcess[] = [];
  const start = (command: string, ...args: readonly string[]): void => {
    started.push(spawn(command, args, { env, stdio: 'ignore' }));
  };
  const call = (command: string, ...args: readonly string[]) => run(command, args, { env });
  const close = async (): Promise<void> => {
    await call('scancel', '--user', 'root').catch(() => {}); // It may not even have begun.
    for (const child of started.toReversed()) await stopped(child);
    await rm(home, { recursive: true, force: true });
  };
  try {
    start('munged', ...mungeFlags(home));
    await until(async () => (await readdir(home)).includes('munge.socket'), 20, 'munged');
    start('slurmctld', '-D', '-c', '-f', config);
    start('slurmd', '-D', '-f', config);
    const isUp = async (): Promise<boolean> =>
      (await call('sinfo', '-h', '-o', '%t').catch(() => undefined))?.stdout.trim() === 'idle';
    await until(isUp, 60, 'slurmd');
    const { stdout } = await call('sbatch', '--version');
    return { version: stdout.trim(), ...working(home, call), close };
  } catch (error) {
    await close();
    throw error;
  }
}

type Call = (command: string, ...args: readonly string[]) => Promise<{ readonly stdout: string }>;

function working(home: string, call: Call): Omit<Slurm, 'version' | 'close'> {
  let seen = 0;
  return {
    async submit(script, logs, tasks) {
      const output = ['--output', join(logs, '%j.out'), '--error', join(logs, '%j.err')];
      const array = tasks === undefined ? [] : [`--array=1-${tasks}`];
      await call('sbatch', '--parsable', ...array, ...output, script);
    },
    async open(isOpen) {
      const state = `State=${isOpen ? 'UP' : 'DOWN'}`;
      await call('scontrol', 'update', 'PartitionName=all', state);
    },
    async ended(count) {
      for (let waited = 0; waited < SECONDS * 1_000; waited += LOOK_MS) {
        const text = await readFile(join(home, 'ended'), 'utf8').catch(() => '');
        const lines = text.split('\n').slice(0, -1);
        const fresh = lines.slice(seen);
        if (fresh.length < count) {
          await sleep(LOOK_MS);
          continue;
        }
        seen = lines.length;
        return fresh;
      }
      throw new Error(`Slurm did not end ${count} jobs in ${SECONDS} s`);
    },
  };
}

/** Its key and its socket are in the folder, and nothing of the machine's own is touched. */
function mungeFlags(home: string): readonly string[] {
  const files = ['key-file', 'log-file', 'pid-file', 'seed-file'].map(
    (name) => `--${name}=${join(home, `munge.${name}`)}`,
  );
  return ['--foreground', '--force', `--socket=${join(home, 'munge.socket')}`, ...files];
}

async function written(home: string): Promise<string> {
  const config = join(home, 'slurm.conf');
  await writeFile(join(home, 'munge.key-file'), randomBytes(128), { mode: 0o400 });
  for (const folder of ['state', 'spool']) await mkdir(join(home, folder));
  const [controller, node] = [await freePort(), await freePort()];
  const cores = availableParallelism();
  const waits = 'batch_sched_delay=0,sched_min_interval=0';
  const lines = [
    'ClusterName=bench',
    `SlurmctldHost=${hostname()}(127.0.0.1)`,
    `AuthInfo=socket=${join(home, 'munge.socket')}`,
    'SlurmUser=root',
    `SlurmctldPort=${controller}`,
    `SlurmdPort=${node}`,
    `SlurmctldPidFile=${join(home, 'slurmctld.pid')}`,
    `SlurmdPidFile=${join(home, 'slurmd.pid')}`,
    `SlurmctldLogFile=${join(home, 'slurmctld.log')}`,
    `SlurmdLogFile=${join(home, 'slurmd.log')}`,
    `StateSaveLocation=${join(home, 'state')}`,
    `SlurmdSpoolDir=${join(home, 'spool')}`,
    'SwitchType=switch/none',
    'MpiDefault=none',
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'JobAcctGatherType=jobacct_gather/none',
    'AccountingStorageType=accounting_storage/none',
    'JobCompType=jobcomp/filetxt',
    `JobCompLoc=${join(home, 'ended')}`,
    'MaxJobCount=200000',
    'MaxArraySize=100001',
    'MinJobAge=2',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_Core',
    'SchedulerType=sched/backfill',
    `SchedulerParameters=${waits},default_queue_depth=10000,sched_max_job_start=10000`,
    `NodeName=${hostname()} NodeAddr=127.0.0.1 CPUs=${cores} State=UNKNOWN`,
    `PartitionName=all Nodes=ALL Default=YES State=UP OverSubscribe=FORCE:${PER_CORE}`,
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  return config;
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = once(child, 'exit');
  child.kill('SIGTERM');
  await over;
}
