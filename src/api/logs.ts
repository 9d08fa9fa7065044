import type { Feed } from '../actors/feed.ts';
import { isLive, type Job, may } from '../actors/job/job.ts';
import { keeping } from '../actors/job/keeping.ts';
import { followFile, type LocateLog } from '../platform/follow.ts';
import { drained, type Stream } from '../platform/stream.ts';
import type { Hub, StreamHandler } from '../platform/streams.ts';
import type { BlobStore } from '../platform/transfer.ts';
import { Failed, Malformed } from '../protocol/errors.ts';
import type { BlobRef, Report } from '../protocol/model.ts';
import type { Who } from '../protocol/who.ts';
import type { Store } from '../runtime/ports.ts';
import { load } from '../runtime/record.ts';

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

type Wanted = {
  readonly id: string;
  readonly stream: 'stdout' | 'stderr';
  readonly rank: number;
  readonly follow: boolean;
  offset: number;
};

const LOOK_MS = 1_000;

/**
 * Lets a terminal read the logs of its jobs: from the worker while the job runs, and from here once
 * they are collected. Who follows is not told of the change, and misses no byte.
 */
export const serveLogs =
  (setup: LogSetup): StreamHandler =>
  async ({ body, who, stream, accept }) => {
    const wanted = wantedOf(body);
    await setup.current();
    const first = jobOf(setup.store, wanted.id, who);
    accept();
    stream.resume();
    const gone = new AbortController();
    stream.once('close', () => gone.abort());
    for (let job = first; !gone.signal.aborted; job = jobOf(setup.store, wanted.id, who)) {
      if (job.attempt !== first.attempt && wanted.offset > 0) break;
      const changed = nextChange(setup.feed, wanted.id, gone.signal);
      const report = job.reports[wanted.rank];
      const kept = report?.collected?.[wanted.stream];
      if (kept) await fromBlob(setup.blobs, kept, wanted, stream);
      else if (isWritten(job, report)) await fromNode(setup, job, wanted, stream, gone.signal);
      if (kept || !wanted.follow || job.phase === 'ended') break;
      await changed;
    }
    stream.end();
  };

const isWritten = (job: Job, report: Report | null | undefined): boolean =>
  isLive(job) && report !== null && report !== undefined && report.startedAt > 0;

function wantedOf(body: unknown): Wanted {
  const given = body as Readonly<Record<keyof Wanted, unknown>>;
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

function jobOf(store: Store, id: string, who: Who): Job {
  const job = load(store, keeping, `/jobs/${id}`)?.state;
  if (job === undefined) throw new Failed('not_found', `no job ${id}`);
  if (!may(job, who)) throw new Failed('forbidden', `job ${id} belongs to somebody else`);
  return job;
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

async function fromBlob(
  blobs: BlobStore,
  { sha256, bytes }: BlobRef,
  wanted: Wanted,
  to: Stream,
): Promise<void> {
  if (wanted.offset >= bytes) return;
  await blobs.find?.(sha256);
  await passOn(blobs.read(sha256, wanted.offset), wanted, to);
}

/** A cut costs nothing: the next round goes on from the offset, wherever the log is then. */
async function fromNode(
  setup: LogSetup,
  job: Job,
  wanted: Wanted,
  to: Stream,
  signal: AbortSignal,
): Promise<void> {
  const node = job.placement?.nodes[wanted.rank] ?? '';
  const { rank, stream, offset, follow } = wanted;
  const order = { job: job.id, attempt: job.attempt, rank, stream, offset, follow };
  try {
    if (node === setup.name && setup.local) {
      const source = await setup.local(order, { door: 'local', id: setup.name });
      return await passOn(followFile(source, offset, follow, signal), wanted, to);
    }
    const from = setup.hub(node)?.open('log.follow', order);
    if (from === undefined) return;
    from.end();
    signal.addEventListener('abort', () => from.destroy());
    await passOn(from, wanted, to);
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
  }
}

async function passOn(from: AsyncIterable<Uint8Array>, wanted: Wanted, to: Stream): Promise<void> {
  for await (const chunk of from) {
    if (to.destroyed) return;
    wanted.offset += chunk.length;
    if (!to.write(chunk)) await drained(to);
  }
}
