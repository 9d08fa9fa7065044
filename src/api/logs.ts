import { isArray } from '../actors/array/array.ts';
import type { Job } from '../actors/job/job.ts';
import { drained } from '../platform/stream.ts';
import type { StreamHandler } from '../platform/streams.ts';
import { Failed, Malformed } from '../protocol/errors.ts';
import type { Who } from '../protocol/who.ts';
import { loggedJob } from './job-of.ts';
import {
  fromBlob,
  fromNode,
  isWritten,
  type LogBytes,
  type LogSetup,
  type LogWish,
  nextChange,
  type Wanted,
} from './log-bytes.ts';
import { taskLog } from './task-log.ts';

/** Lets a terminal read the logs of its jobs, and of those that its user is an admin of. */
export const serveLogs =
  (setup: LogSetup): StreamHandler =>
  async ({ body, who, stream, accept }) => {
    const bytes = await openLog(setup, wishOf(body), who);
    accept();
    stream.resume();
    const gone = new AbortController();
    stream.once('close', () => gone.abort());
    for await (const chunk of bytes(gone.signal)) {
      if (stream.destroyed) return;
      if (!stream.write(chunk)) await drained(stream);
    }
    stream.end();
  };

/**
 * Finds a log for somebody, or throws `Failed`. It is read from the worker while the job runs, and
 * from here once it is collected: who follows is not told of the change, and misses no byte.
 */
export async function openLog(setup: LogSetup, wish: LogWish, who: Who): Promise<LogBytes> {
  await setup.current();
  const first = loggedJob(setup, wish.id, who);
  if (isArray(first)) return taskLog(setup, wish, who);
  if (wish.task !== undefined)
    throw new Failed('not_found', `job ${wish.id} is no array, and has no tasks`);
  return (signal) => bytesOf(setup, wish, { first, who, signal });
}

type Reader = { readonly first: Job; readonly who: Who; readonly signal: AbortSignal };

async function* bytesOf(
  setup: LogSetup,
  wish: LogWish,
  { first, who, signal }: Reader,
): AsyncGenerator<Uint8Array> {
  const wanted: Wanted = { ...wish };
  for (let job = first; !signal.aborted; job = loggedJob(setup, wanted.id, who)) {
    if (job.attempt !== first.attempt && wanted.offset > 0) return;
    const changed = nextChange(setup.feed, wanted.id, signal);
    const report = job.reports[wanted.rank];
    const kept = report?.collected?.[wanted.stream];
    if (kept) yield* fromBlob(setup.blobs, kept, wanted);
    else if (isWritten(job, report)) yield* fromNode(setup, job, wanted, signal);
    if (kept || !wanted.follow || job.phase === 'ended') return;
    await changed;
  }
}

function wishOf(body: unknown): LogWish {
  const given = body as Readonly<Record<keyof LogWish, unknown>>;
  const { id, stream, follow } = given;
  if (typeof id !== 'string' || id.length > 64) throw new Malformed('$.id', 'the id of a job');
  if (stream !== 'stdout' && stream !== 'stderr')
    throw new Malformed('$.stream', '`stdout` or `stderr`');
  if (typeof follow !== 'boolean') throw new Malformed('$.follow', 'true or false');
  const count = (name: 'rank' | 'offset' | 'task'): number => {
    const value = given[name];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw new Malformed(`$.${name}`, 'a count');
  };
  const task = given.task === undefined ? {} : { task: count('task') };
  return { id, stream, follow, rank: count('rank'), offset: count('offset'), ...task };
}
