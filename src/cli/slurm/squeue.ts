import type { JobRow } from '../../protocol/model.ts';
import { exits } from '../exits.ts';
import type { Call } from '../verb.ts';
import { askedOf, noMore } from './asked.ts';
import { type Field, linesOf, piecesOf } from './format.ts';
import { choices, chosen, idOf } from './rows.ts';
import {
  clock,
  coresOf,
  elapsed,
  isLive,
  moment,
  nodesOf,
  partitionOf,
  shortOf,
  stateOf,
} from './states.ts';

const USUAL = '%.18i %.9P %.8j %.8u %.2t %.10M %.6D %R';
const LONG = '%.18i %.9P %.8j %.8u %.8T %.10M %.9l %.6D %R';

const options = {
  ...choices,
  jobs: { takes: 'value', short: 'j' },
  states: { takes: 'value', short: 't' },
  format: { takes: 'value', short: 'o' },
  noheader: { takes: 'nothing', short: 'h' },
  long: { takes: 'nothing', short: 'l' },
  all: { takes: 'nothing', short: 'a' },
} as const;

/** Lists jobs that are not over. */
export async function run(call: Call, words: readonly string[]): Promise<number> {
  const asked = askedOf('squeue', options, words);
  noMore('squeue', asked);
  const format = asked.of('format') ?? (asked.has('long') ? LONG : USUAL);
  const pieces = piecesOf('squeue', format, fields(Date.now()));
  const [ids, states] = [asked.list('jobs'), asked.list('states')];
  const jobs = await chosen(await call.client(), 'squeue', asked, { ids, states });
  const shown = states.length > 0 ? jobs : jobs.filter(isLive);
  for (const line of linesOf(pieces, shown, !asked.has('noheader'))) call.screen.print(line);
  return exits.good;
}

/** What the letters of a format stand for. */
function fields(now: number): Readonly<Record<string, Field<JobRow>>> {
  const id: Field<JobRow> = { title: 'JOBID', of: idOf };
  const limitOf = ({ request }: JobRow): number => request?.walltimeMs ?? 0;
  return {
    i: id,
    A: id,
    F: { ...id, title: 'ARRAY_JOB_ID' },
    j: { title: 'NAME', of: ({ name }) => name },
    u: { title: 'USER', of: ({ owner }) => owner },
    a: { title: 'ACCOUNT', of: ({ account }) => account || '(null)' },
    P: { title: 'PARTITION', of: partitionOf },
    t: { title: 'ST', of: (job) => shortOf(stateOf(job)) },
    T: { title: 'STATE', of: stateOf },
    M: { title: 'TIME', of: (job) => clock(elapsed(job, now), true) },
    l: { title: 'TIME_LIMIT', of: (job) => limited(limitOf(job), limitOf(job)) },
    L: { title: 'TIME_LEFT', of: (job) => limited(limitOf(job), limitOf(job) - elapsed(job, now)) },
    D: { title: 'NODES', of: (job) => String(nodesOf(job)) },
    C: { title: 'CPUS', of: (job) => String(coresOf(job)) },
    m: { title: 'MIN_MEMORY', of: ({ request }) => megabytes(request?.memoryBytes ?? 0) },
    N: { title: 'NODELIST', of: ({ nodes }) => nodes.join(',') },
    R: { title: 'NODELIST(REASON)', of: (job) => job.nodes.join(',') || `(${reasonOf(job)})` },
    r: { title: 'REASON', of: reasonOf },
    k: { title: 'COMMENT', of: ({ comment }) => comment || '(null)' },
    Q: { title: 'PRIORITY', of: ({ request }) => String(request?.priority ?? 0) },
    V: { title: 'SUBMIT_TIME', of: ({ submittedAt }) => moment(submittedAt) },
    S: { title: 'START_TIME', of: ({ startedAt }) => moment(startedAt, 'N/A') },
    e: { title: 'END_TIME', of: ({ endedAt }) => moment(endedAt, 'N/A') },
  };
}

/** `limit` 0: there is none. */
const limited = (limit: number, ms: number): string =>
  limit === 0 ? 'UNLIMITED' : clock(ms, true);

const megabytes = (bytes: number): string => `${Math.round(bytes / (1 << 20))}M`;

/** In one line; Slurm has a word of its own for most, we have our own. */
const reasonOf = (job: JobRow): string =>
  stateOf(job) === 'RUNNING' ? 'None' : job.details.replaceAll('\n', ' ') || 'None';
