import type { Remedy } from '../protocol/foresight-shapes.ts';
import type { Reply } from '../protocol/messages.ts';
import type { JobView } from '../protocol/model.ts';
import { exits } from './exits.ts';
import { remedyText } from './foresight.ts';
import { exitText } from './jobs.ts';
import { harmless } from './screen.ts';
import { type Call, isOn } from './verb.ts';
import { instant, short, span } from './words.ts';

/** Why a job is where it is: what binds it first, then all else. */
type Why = {
  readonly id: string;
  readonly phase: string;
  /** When it came into this phase, ms since the epoch. */
  readonly since: number;
  readonly reasons: readonly string[];
  /** The smallest change that would start it in the next pass. */
  readonly change: Remedy | null;
};

/** Says what a job waits for, or what it is at. */
export async function run({ args, options, screen, client }: Call): Promise<number> {
  const asked = await client();
  const { job } = await asked.call('job.show', { id: args[0]! });
  const told = job.phase === 'queued' ? await asked.call('job.why', { id: job.id }) : undefined;
  const why = whyOf(job, told);
  if (screen.json) {
    screen.printJson(why);
    return exits.good;
  }
  const [first, ...others] = why.reasons;
  const isAll = isOn(options, 'all');
  screen.print(
    harmless(`${short(job.id)} ${wordsOf(job)}${first === undefined ? '' : `: ${first}`}`),
  );
  screen.print(`${job.phase} since ${instant(why.since)}, for ${span(Date.now() - why.since)}`);
  const does = told === undefined ? '' : remedyText({ ...told, reasons: why.reasons });
  if (does !== '') screen.print(does);
  if (isAll) for (const other of others) screen.print(`  also: ${harmless(other)}`);
  if (isAll)
    for (const { at, what } of job.timeline) screen.print(`  ${instant(at)}  ${harmless(what)}`);
  else if (others.length > 0) screen.note(`${others.length} more; --all shows them`);
  return exits.good;
}

function whyOf(job: JobView, told: Reply<'job.why'> | undefined): Why {
  const { id, phase, timeline, details, submittedAt } = job;
  const since = timeline.findLast(({ what }) => what === phase)?.at ?? submittedAt;
  const shown = reasonsOf(details);
  // The job itself knows why its last try was none; the scheduler knows more of all else.
  const reasons = told && told.reasons.length > shown.length ? told.reasons : shown;
  return { id, phase, since, reasons, change: told?.change ?? null };
}

/** How details begin for terminals that know a job's state by that alone. */
const leads = /^(?:Initiate a new partition|Data uploaded, starting)(?:: |$)/;

/** The scheduler joins what stands in the way, the nearest first; what is wanted has its number. */
const between = /; (?!\d+ (?:free now|of the \d))/;

const reasonsOf = (details: string): readonly string[] =>
  details
    .replace(leads, '')
    .split(between)
    .filter((reason) => reason !== '');

function wordsOf(job: JobView): string {
  switch (job.phase) {
    case 'queued':
    case 'placing':
      return 'waits for a place';
    case 'provisioning':
      return 'waits for its cluster';
    case 'staging':
      return 'waits for its files';
    case 'starting':
      return 'waits for all its nodes';
    case 'running':
      return job.tasks ? 'runs its tasks' : `runs on ${job.nodes.join(', ')}`;
    case 'collecting':
      return 'has run, and its results are fetched';
    case 'releasing':
      return 'gives back what it held';
    case 'ended':
      return endOf(job);
  }
}

function endOf(job: JobView): string {
  if (job.state === 'C') return 'has ended by being cancelled';
  const ran = job.startedAt > 0 || job.state === 'F';
  return ran ? `has ended with exit ${exitText(job)}` : 'could not be run';
}
