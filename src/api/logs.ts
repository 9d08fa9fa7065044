import type { Feed } from '../actors/feed.ts';
import { isLive, type Job } from '../actors/job/job.ts';
import { followFile, type LocateLog } from '../platform/follow.ts';
import { drained } from '../platform/stream.ts';
import type { Hub, StreamHandler } from '../platform/streams.ts';
import type { BlobStore } from '../platform/transfer.ts';
import type { Report } from '../protocol/attempt.ts';
import { Failed, Malformed } from '../protocol/errors.ts';
import type { BlobRef } from '../protocol/model.ts';
import type { Who } from '../protocol/who.ts';
import type { Store } from '../runtime/ports.ts';
import { jobOf } from './job-of.ts';

export type LogSetup = {
  readonly store: Store;
  readonly feed: Feed;
  readonly blobs: BlobStore;
  /** Resolves once the records hold all that anybody was told. */
  readonly current: () => Promise<void>;
  readonly name: string;
  readonly hub: (node: string) => Hub | undefined;
  /** Logs of the jobs that run on this very node. */
  readonly local: LocateLog | undefined;
};

export type LogWish = {
  readonly id: string;
  readonly stream: 'stdout' | 'stderr';
  readonly rank: number;
  readonly follow: boolean;
  readonly offset: number;
};

/** The bytes of a log from the wished offset on, until its end, or until it is aborted. */
export type LogBytes = (signal: AbortSignal) => AsyncGenerator<Uint8Array>;

/** A wish under way: how far it has come. */
type Wanted = Omit<LogWish, 'offset'> & { offset: number };

const LOOK_MS = 1_000;

/** Lets a terminal read the logs of its jobs. */
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
  const first = jobOf(setup.store, wish.id, who);
  return (signal) => bytesOf(setup, wish, { first, who, signal });
}

type Reader = { readonly first: Job; readonly who: Who; readonly signal: AbortSignal };

async function* bytesOf(
  setup: LogSetup,
  wish: LogWish,
  { first, who, signal }: Reader,
): AsyncGenerator<Uint8Array> {
  const wanted: Wanted = { ...wish };
  for (let job = first; !signal.aborted; job = jobOf(setup.store, wanted.id, who)) {
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

const isWritten = (job: Job, report: Report | null | undefined): boolean =>
  isLive(job) && report !== null && report !== undefined && report.startedAt > 0;

function wishOf(body: unknown): LogWish {
  const given = body as Readonly<Record<keyof LogWish, unknown>>;
  const { id, stream, follow } = given;
  if (typeof id !== 'string' || id.length > 64) throw new Malformed('$.id', 'the id of a job');
  if (stream !== 'stdout' && stream !== 'stderr')
    throw new Malformed('$.stream', '`stdout` or `stderr`');
  if (typeof follow !== 'boolean') throw new Malformed('$.follow', 'true or false');
  const count = (name: 'rank' | 'offset'): number => {
    const value = given[name];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw new Malformed(`$.${name}`, 'a count');
  };
  return { id, stream, follow, rank: count('rank'), offset: count('offset') };
}

/** Resolves when the job's record changes; a look now and then helps where news went astray. */
function nextChange(feed: Feed, id: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(look);
      cancel();
      signal.removeEventListener('abort', over);
      resolve();
    };
    const look = setTimeout(over, LOOK_MS);
    const cancel = feed.subscribe('jobs', ({ key }) => {
      if (key === id) over();
    });
    signal.addEventListener('abort', over);
  });
}

async function* fromBlob(
  blobs: BlobStore,
  { sha256, bytes }: BlobRef,
  wanted: Wanted,
): AsyncGenerator<Uint8Array> {
  if (wanted.offset >= bytes) return;
  await blobs.find?.(sha256);
  yield* counted(blobs.read(sha256, wanted.offset), wanted);
}

/** A cut costs nothing: the next round goes on from the offset, wherever the log is then. */
async function* fromNode(
  setup: LogSetup,
  job: Job,
  wanted: Wanted,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const node = job.placement?.nodes[wanted.rank] ?? '';
  const { rank, stream, offset, follow } = wanted;
  const order = { job: job.id, attempt: job.attempt, rank, stream, offset, follow };
  try {
    if (node === setup.name && setup.local) {
      const source = await setup.local(order, { door: 'local', id: setup.name });
      return yield* counted(followFile(source, offset, follow, signal), wanted);
    }
    const from = setup.hub(node)?.open('log.follow', order);
    if (from === undefined) return;
    from.end();
    signal.addEventListener('abort', () => from.destroy());
    yield* counted(from, wanted);
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
  }
}

async function* counted(
  from: AsyncIterable<Uint8Array>,
  wanted: Wanted,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of from) {
    wanted.offset += chunk.length;
    yield chunk;
  }
}
