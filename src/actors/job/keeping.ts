import { decodeRecord, encodeRecord, type RecordKind } from '../../protocol/records.ts';
import type { Keeping } from '../../runtime/family.ts';
import { decodeTasks, encodeTasks, isOfTasks, joinTasks, splitTasks } from '../array/parts.ts';
import { sortable, tomb } from '../keeping.ts';
import { hasUntold } from './changes.ts';
import { awaitedBy, isAwaiting } from './dependencies.ts';
import { isTied, type Job } from './job.ts';

type Head = Omit<Job, 'script' | 'tasks'>;

const kind: RecordKind<Head> = {
  kind: 'job',
  version: 2,
  fields: [
    'phase',
    'round',
    'id',
    'owner',
    'spec',
    'scriptBlob',
    'inputs',
    'digest',
    'from',
    'submittedAt',
    'run',
    'attempt',
    'firstAttempt',
    'notBefore',
    'refusals',
    'placement',
    'ordered',
    'cluster',
    'reports',
    'stop',
    'cancelled',
    'again',
    'uploaded',
    'alias',
    'details',
    'outcome',
    'since',
    'startedAt',
    'endedAt',
    'timeline',
    'runs',
    'remains',
    'heldAt',
    'spent',
    'checkpoint',
    'hold',
    'tiedUntil',
    'unmet',
    'awaited',
    'changes',
    'shift',
  ],
  upgrade: (older) => ({ heldAt: 0, spent: 0, ...older }),
};

/** Index keys: what must live after a start, what waits, and lists by time, whole and per owner. */
export const LIVE = '/live/jobs';
export const QUEUED = '/queued';
/** Those that were proposed a place, and whose claim of it may be on its way. */
export const PLACING = '/placing';
export const BY_TIME = '/jobs-by-time';
export const byOwner = (owner: string): string => `/jobs-of/${owner}`;
export const SHORT = '/jobs-by-id';
/** Those that have ended, by the instant of it; and the addresses that are in use. */
export const ENDED = '/ended';
export const ALIASES = '/aliases';
/** Those of a DAG, by its id, and by its name. */
export const DAGS = '/dags';
export const DAG_NAMES = '/dag-names';
/** Those that wait for a job, under its id. */
export const AWAITING = '/awaiting';

const utf8 = new TextEncoder();
const text = new TextDecoder();
const NOTHING: Readonly<Record<string, unknown>> = {};

/** A job's script is a part of its own: it never changes, and the rest changes often. */
export const keeping: Keeping<Job> = {
  scope: 'control',
  split: ({ script, tasks, ...head }) =>
    head.remains === 'nothing' ? NOTHING : { head, script, ...(tasks && splitTasks(tasks)) },
  join({ head, script, ...parts }) {
    const tasks = joinTasks(parts);
    return { ...(head as Head), script: script as string, ...(tasks && { tasks }) };
  },
  encode(part, value) {
    if (isOfTasks(part)) return encodeTasks(part, value);
    return part === 'script' ? utf8.encode(value as string) : encodeRecord(kind, value as Head);
  },
  decode(part, bytes) {
    if (isOfTasks(part)) return decodeTasks(part, bytes);
    return part === 'script' ? text.decode(bytes) : decodeRecord(kind, bytes);
  },
  index(job) {
    if (job.remains === 'nothing') return [];
    const short = `${SHORT}/${job.id}`;
    if (job.remains === 'key') return [short, tomb(job.since)];
    if (job.shift) return shiftIndex(job, short);
    const at = sortable(job.submittedAt);
    const { dag } = job.spec;
    const dags = dag ? [`${DAGS}/${dag.id}/${at}`, `${DAG_NAMES}/${dag.dag}/${at}`] : [];
    const lists = [`${BY_TIME}/${at}`, `${byOwner(job.owner)}/${at}`, short, ...dags];
    const awaited = isAwaiting(job) ? awaitedBy(job).map((id) => `${AWAITING}/${id}`) : [];
    // One that is tied, waits for others, or has something to tell, has to be looked after from a
    // start on.
    const isTiedYet = job.phase === 'queued' && isTied(job);
    const more = hasUntold(job) || isTiedYet || isAwaiting(job) ? [LIVE] : [];
    if (job.phase === 'queued') return [...lists, `${QUEUED}/${at}`, ...more, ...awaited];
    if (job.phase === 'ended') return [...lists, ...more, `${ENDED}/${sortable(job.since)}`];
    if (job.phase === 'placing') return [...lists, LIVE, PLACING];
    return [...lists, LIVE, ...(job.alias === '' ? [] : [`${ALIASES}/${job.alias}`])];
  },
};

/** In no list; it goes with its array, and lives until that knows that it has ended. */
function shiftIndex(job: Job, short: string): readonly string[] {
  const { phase, shift } = job;
  if (phase === 'queued') return [short, `${QUEUED}/${sortable(job.submittedAt)}`];
  if (phase === 'ended') return shift?.told ? [short] : [short, LIVE];
  return phase === 'placing' ? [short, LIVE, PLACING] : [short, LIVE];
}
