import { createHash, randomUUID } from 'node:crypto';
import type { Client } from '../client/client.ts';
import type { Input } from '../platform/input-files.ts';
import { Failed } from '../protocol/errors.ts';
import type { After, DagPlace } from '../protocol/model.ts';
import { asksOf } from './asks.ts';
import { type Dag, type DagJob, readDag } from './dag-file.ts';
import { exits, Usage } from './exits.ts';
import { findInputs } from './inputs.ts';
import type { Screen } from './screen.ts';
import { noteWarnings, read, submitted } from './submit.ts';
import { givenParameters } from './template.ts';
import { type Call, isOn, listOf, textOf } from './verb.ts';

/** Submits all jobs of a DAG, or none: it is read and checked as a whole before one is sent. */
export async function run(call: Call): Promise<number> {
  const { args, options, screen } = call;
  // What is said of one job cannot be said of many.
  const odd =
    ['name', 'env', 'wait'].find((option) => options[option] !== undefined) ??
    asksOf(options)[0]?.[0];
  if (odd !== undefined) throw new Usage(`swm: --${odd} is for one job, not for a DAG`);
  const dag = await readDag(args[0]!, givenParameters(listOf(options, 'param')));
  const jobs = await Promise.all(dag.jobs.map((job) => checked(screen, job)));
  if (isOn(options, 'dryRun')) {
    screen.note(`${args[0]}: is well-formed; nothing was sent.`);
    screen.printJson(dag);
    return exits.good;
  }
  const key = textOf(options, 'once');
  const sending = { screen, client: await call.client(), dag, key: key ?? randomUUID() };
  const ids = await sendAll(sending, jobs, key === undefined);
  const id = idOf(sending.key);
  if (screen.json) screen.printJson({ id, name: dag.name, jobs: Object.fromEntries(ids) });
  else screen.print(id);
  return exits.good;
}

type Checked = DagJob & { readonly inputs: readonly Input[]; readonly isHeld: boolean };

async function checked(screen: Screen, job: DagJob): Promise<Checked> {
  const { spec, warnings } = read(job.script, job.file);
  noteWarnings(screen, job.file, warnings);
  return { ...job, inputs: await findInputs(spec.inputFiles, process.cwd()), isHeld: spec.hold };
}

type Sending = {
  readonly screen: Screen;
  readonly client: Client;
  readonly dag: Dag;
  readonly key: string;
};

/** The same key is the same DAG, so that whatever was cut off can be repeated. */
const idOf = (key: string): string => {
  const hex = createHash('sha256').update(`dag\n${key}`).digest('hex');
  const [a, b, c, d, e] = [0, 8, 12, 16, 20].map((at, i) => hex.slice(at, [8, 12, 16, 20, 32][i]));
  return [a, b, `8${c!.slice(1)}`, `8${d!.slice(1)}`, e].join('-');
};

/**
 * Those that need no other are held until all are there, so that none runs of a DAG that is refused
 * in its midst. What was sent of such a one is cancelled, unless it may be of an earlier call.
 */
async function sendAll(
  sending: Sending,
  jobs: readonly Checked[],
  isNew: boolean,
): Promise<ReadonlyMap<string, string>> {
  const { screen, client, key } = sending;
  const ids = new Map<string, string>();
  try {
    for (const job of jobs) {
      screen.status(`${ids.size} of ${jobs.length} jobs`);
      ids.set(job.name, await send(sending, job, ids));
    }
  } catch (error) {
    screen.status('');
    const isCut = !(error instanceof Failed) || error.failure.retry;
    if (isNew && !isCut) await cancelAll(client, [...ids.values()].reverse());
    else if (isCut) screen.note(`swm: what was sent waits; the same with --once ${key} goes on`);
    else screen.note(`swm: what was sent stays: swm dag cancel ${idOf(key)}`);
    throw error;
  }
  screen.status('');
  for (const { name, needs, isHeld } of jobs)
    if (needs.length === 0 && !isHeld) await client.call('job.release', { id: ids.get(name)! });
  return ids;
}

async function cancelAll(client: Client, ids: readonly string[]): Promise<void> {
  for (const id of ids) await client.call('job.cancel', { id });
}

function send(
  { screen, client, dag, key }: Sending,
  job: Checked,
  ids: ReadonlyMap<string, string>,
): Promise<string> {
  const place: DagPlace = {
    id: idOf(key),
    dag: dag.name,
    job: job.name,
    needs: job.needs.map(({ job: other, when }) => ({ job: other, when })),
  };
  const after: After = job.needs.map(({ job: other, when }) => ({ when, jobs: [ids.get(other)!] }));
  const hold = job.needs.length === 0 ? { hold: true } : {};
  return submitted(screen, client, job, { key: `${key}/${job.name}`, after, dag: place, ...hold });
}
