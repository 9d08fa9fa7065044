import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { defaultPolicy } from '../protocol/policy.ts';
import { type Figures, figuresOf, progressOf, spanOf } from '../simulate/figures.ts';
import { machineOf } from '../simulate/machine.ts';
import { plotOf } from '../simulate/plot.ts';
import { type Replay, replay } from '../simulate/replay.ts';
import type { Trace } from '../simulate/trace.ts';
import { exits, Usage } from './exits.ts';
import { reasonOf } from './inputs.ts';
import { printRows } from './lists.ts';
import { keptJobs, readMachine, readPolicy, readTrace } from './simulate-given.ts';
import { type Call, isOn, listOf, textOf } from './verb.ts';
import { amount, span } from './words.ts';

type Row = { readonly policy: string } & Figures;

/** Replays jobs of the past under policies, in virtual time, with the scheduler's own passes. */
export async function run(call: Call): Promise<number> {
  const { options, screen } = call;
  const trace = await traceOf(call);
  const described = textOf(options, 'cluster');
  const machine = described === undefined ? machineOf(trace) : await readMachine(described);
  if (machine === undefined)
    throw new Usage('swm: the trace does not tell of its machine: describe one with --cluster');
  const policies = await Promise.all(listOf(options, 'policy').map(readPolicy));
  const under = policies.length > 0 ? policies : [{ name: 'default', policy: defaultPolicy }];
  const done = under.map(({ name, policy }) => {
    screen.status(`${name}: ${trace.jobs.length} jobs`);
    const replayed = replay(trace, machine, policy);
    return { name, replayed, row: { policy: name, ...figuresOf(replayed, machine) } };
  });
  screen.status('');
  printRows<Row>(
    screen,
    done.map(({ row }) => row),
    columns,
  );
  for (const { name, replayed } of done) tellOfWaiting(call, name, replayed);
  if (trace.leftOut > 0) screen.note(`${trace.leftOut} jobs that never ran are left out`);
  const file = textOf(options, 'svg');
  if (file !== undefined) {
    const all = done.map(({ replayed }) => spanOf(replayed.outcomes));
    const from = Math.min(...all.map((each) => each.from));
    const until = Math.max(from + 1, ...all.map((each) => each.until));
    const curves = done.map(({ name, replayed }) => ({
      name,
      progress: progressOf(replayed, machine, { from, until, steps: STEPS }),
    }));
    const [of = 'the history'] = call.args;
    const title = `${trace.jobs.length} jobs of ${basename(of)}`;
    await written(file, plotOf(title, curves));
  }
  return exits.good;
}

/** Of a curve. */
const STEPS = 336;

async function traceOf({ args: [file], options, client }: Call): Promise<Trace> {
  const isHistory = isOn(options, 'history');
  if (isHistory === (file !== undefined))
    throw new Usage('swm: simulate TRACE, or simulate --history');
  return file === undefined ? keptJobs(await client()) : readTrace(file);
}

const columns = [
  { title: 'POLICY', of: ({ policy }: Row) => policy, gives: true },
  { title: 'JOBS', of: ({ jobs }: Row) => String(jobs), right: true },
  { title: 'WAIT', of: ({ waitMeanMs }: Row) => span(waitMeanMs), right: true },
  { title: 'MEDIAN', of: ({ waitMedianMs }: Row) => span(waitMedianMs), right: true },
  { title: '95 %', of: ({ wait95Ms }: Row) => span(wait95Ms), right: true },
  { title: 'SLOWDOWN', of: ({ slowdown }: Row) => slowdown.toFixed(2), right: true },
  {
    title: 'USED',
    of: ({ utilisation }: Row) => `${(utilisation * 100).toFixed(1)} %`,
    right: true,
  },
  { title: 'MAKESPAN', of: ({ makespanMs }: Row) => span(makespanMs), right: true },
  { title: 'COST', of: ({ cost }: Row) => amount(cost), right: true },
] as const;

function tellOfWaiting({ screen }: Call, policy: string, { waiting }: Replay): void {
  const [first] = waiting;
  if (first === undefined) return;
  const others = waiting.length === 1 ? '' : ` and ${waiting.length - 1} more`;
  screen.note(`${policy}: job ${first.job.name}${others} never started: ${first.why}`);
}

async function written(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new Usage(`swm: ${file}: ${reasonOf(error as NodeJS.ErrnoException)}`);
  }
}
