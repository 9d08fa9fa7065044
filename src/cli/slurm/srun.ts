import { constants } from 'node:os';
import { basename } from 'node:path';
import type { Client } from '../../client/client.ts';
import { type GivenSlurm, slurmOptions } from '../../protocol/jobscript/slurm-options.ts';
import { runInside } from '../exec.ts';
import { exits, Usage } from '../exits.ts';
import { holder, holding } from '../holding.ts';
import { rowsOf, untilRuns } from '../running-job.ts';
import type { Screen } from '../screen.ts';
import { read } from '../submit.ts';
import type { Call } from '../verb.ts';
import { askedOf } from './asked.ts';
import { edited } from './sbatch.ts';
import { PID_FILE, tasksProgram } from './tasks-program.ts';

const { array: _, output: __, error: ___, input: ____, ...ofJob } = slurmOptions;
const options = {
  ...ofJob,
  pty: { takes: 'nothing' },
  quiet: { takes: 'nothing', short: 'Q' },
  unbuffered: { takes: 'nothing', short: 'u' },
} as const;
/** What is of the command itself, not of the job. */
const own: readonly string[] = ['pty', 'quiet', 'unbuffered'];

/**
 * Runs a command on nodes of its own as soon as they are there, with our stdin, stdout and stderr,
 * and ends as it does: of several tasks with the highest code. What we are signalled, it is.
 */
export async function run(call: Call, words: readonly string[]): Promise<number> {
  const asked = askedOf('srun', options, words);
  const [program] = asked.rest;
  if (program === undefined) throw new Usage('srun: say what to run');
  const screen: Screen = asked.has('quiet') ? { ...call.screen, note: () => {} } : call.screen;
  const given = asked.given.filter(({ name }) => !own.includes(name)) as readonly GivenSlurm[];
  const name =
    basename(program)
      .replace(/[^\w.+-]/g, '-')
      .slice(0, 64) || 'srun';
  const script = edited(screen, 'srun', holder(name), given);
  const { spec } = read(script, 'srun');
  const tasks = Number(spec.env['SLURM_NTASKS'] ?? spec.nodes);
  if (spec.nodes > 1 && tasks !== spec.nodes)
    throw new Usage(`srun: on several nodes there is one task each, not ${tasks} on ${spec.nodes}`);
  const command = inside(spec.nodes, tasks, asked.rest);
  const { left, pass } = signals();
  const quiet = { ...call, screen };
  return holding(quiet, { script, file: 'srun' }, left, async (client, id) => {
    await untilRuns(rowsOf(client, id), screen, id);
    pass((signal) => void signalled(client, id, signal).catch(() => {}));
    return runInside({ ...quiet, args: [id] }, command, asked.has('pty'));
  });
}

/** What is run on the main node. `swm task` has no ranks of Slurm's. */
function inside(nodes: number, tasks: number, command: readonly string[]): readonly string[] {
  const begin = ['perl', '-e', tasksProgram, '--'];
  if (nodes === 1) return [...begin, String(tasks), ...command];
  const ranked = 'SLURM_PROCID=$SWM_TASK_RANK SLURM_NODEID=$SWM_TASK_RANK exec env "$@"';
  return [...begin, '1', 'swm', 'task', 'sh', '-c', ranked, 'srun', ...command];
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
type Signal = (typeof SIGNALS)[number];
/** Who interrupts twice in that time wants it to be over. */
const TWICE_MS = 1_000;

/** Signals end the wait for nodes; once there is a command, they are for that. */
function signals() {
  let to: ((signal: Signal) => void) | undefined;
  let interruptedAt = Number.NEGATIVE_INFINITY;
  const left = new Promise<number>((resolve) => {
    for (const signal of SIGNALS)
      process.on(signal, () => {
        const isAgain = signal === 'SIGINT' && performance.now() - interruptedAt < TWICE_MS;
        if (signal === 'SIGINT') interruptedAt = performance.now();
        if (to === undefined || isAgain) resolve(exits.signal + constants.signals[signal]);
        else to(signal);
      });
  });
  const pass = (hear: (signal: Signal) => void): void => {
    to = hear;
  };
  return { left, pass };
}

/** Brings a signal to the tasks, by a command of its own beside them. */
async function signalled(client: Client, id: string, signal: Signal): Promise<void> {
  const say = `kill -s "$1" "$(cat ${PID_FILE})"`;
  const execution = await client.exec(id, ['sh', '-c', say, 'sh', signal.slice('SIG'.length)]);
  await execution.end();
  for await (const _ of execution.read());
}
