import { decodeRecord, encodeRecord, type RecordKind } from '../../protocol/records.ts';
import type { Keeping } from '../../runtime/family.ts';
import { sortable } from '../keeping.ts';
import type { Job } from './job.ts';

type Head = Omit<Job, 'script'>;

const kind: RecordKind<Head> = {
  kind: 'job',
  version: 1,
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
    'placement',
    'ordered',
    'cluster',
    'reports',
    'stop',
    'cancelled',
    'again',
    'alias',
    'details',
    'outcome',
    'since',
    'startedAt',
    'endedAt',
    'timeline',
    'runs',
  ],
};

/** Index keys: what must live after a start, what waits, and lists by time, whole and per owner. */
export const LIVE = '/live';
export const QUEUED = '/queued';
export const BY_TIME = '/jobs-by-time';
export const byOwner = (owner: string): string => `/jobs-of/${owner}`;
export const SHORT = '/jobs-by-id';

const utf8 = new TextEncoder();
const text = new TextDecoder();

/** A job's script is a part of its own: it never changes, and the rest changes often. */
export const keeping: Keeping<Job> = {
  scope: 'control',
  split: ({ script, ...head }) => ({ head, script }),
  join: ({ head, script }) => ({ ...(head as Head), script: script as string }),
  encode: (part, value) =>
    part === 'script' ? utf8.encode(value as string) : encodeRecord(kind, value as Head),
  decode: (part, bytes) => (part === 'script' ? text.decode(bytes) : decodeRecord(kind, bytes)),
  index(job) {
    const at = sortable(job.submittedAt);
    const lists = [`${BY_TIME}/${at}`, `${byOwner(job.owner)}/${at}`, `${SHORT}/${job.id}`];
    if (job.phase === 'queued') return [...lists, `${QUEUED}/${at}`];
    return job.phase === 'ended' ? lists : [...lists, `${LIVE}/jobs`];
  },
};
