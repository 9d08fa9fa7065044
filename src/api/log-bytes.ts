import type { Feed } from '../actors/feed.ts';
import { isLive, type Job } from '../actors/job/job.ts';
import type { IsAdmin } from '../actors/session/admins.ts';
import { followLog, type LocateLog } from '../platform/follow.ts';
import type { Hub } from '../platform/streams.ts';
import type { BlobStore } from '../platform/transfer.ts';
import type { Report } from '../protocol/attempt.ts';
import { Failed } from '../protocol/errors.ts';
import type { BlobRef } from '../protocol/model.ts';
import type { Store } from '../runtime/ports.ts';

/** Where the bytes of a log come from: the worker while it is written, a blob once it is kept. */

export type LogSetup = {
  readonly store: Store;
  /** They read the logs of their account's jobs. */
  readonly isAdmin: IsAdmin;
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
  /** Of an array: only what this task printed, by its index. */
  readonly task?: number;
};

/** The bytes of a log from the wished offset on, until its end, or until it is aborted. */
export type LogBytes = (signal: AbortSignal) => AsyncGenerator<Uint8Array>;

/** A wish under way: how far it has come. */
export type Wanted = Omit<LogWish, 'offset'> & { offset: number };

const LOOK_MS = 1_000;

export const isWritten = (job: Job, report: Report | null | undefined): boolean =>
  isLive(job) && report !== null && report !== undefined && report.startedAt > 0;

/** Resolves when the job's record changes; a look now and then helps where news went astray. */
export function nextChange(feed: Feed, id: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const over = (): void => {
      clearTimeout(look);
      cancel();
      signal.removeEventListener('abort', over);
      resolve();
    };
    const look = setTimeout(over, LOOK_MS);
    const cancel = feed.subscribe('jobs', over, id);
    signal.addEventListener('abort', over);
  });
}

export async function* fromBlob(
  blobs: BlobStore,
  { sha256, bytes }: BlobRef,
  wanted: Wanted,
): AsyncGenerator<Uint8Array> {
  if (wanted.offset >= bytes) return;
  await blobs.find?.(sha256);
  yield* counted(blobs.read(sha256, wanted.offset), wanted);
  // Fewer bytes than were kept are no log, and nobody is to take them for one.
  if (wanted.offset < bytes)
    throw new Failed('corrupt', `of ${bytes} bytes of a log only ${wanted.offset} are here`);
}

/**
 * A cut costs nothing: the next round goes on from the offset, wherever the log is then. `task`: of
 * a shift, by its place.
 */
export async function* fromNode(
  setup: LogSetup,
  job: Job,
  wanted: Wanted,
  signal: AbortSignal,
  task?: number,
): AsyncGenerator<Uint8Array> {
  const node = job.placement?.nodes[wanted.rank] ?? '';
  const { rank, stream, offset, follow } = wanted;
  const asked = { job: job.id, attempt: job.attempt, rank, stream, offset, follow };
  const order = task === undefined ? asked : { ...asked, task };
  try {
    if (node === setup.name && setup.local) {
      const source = await setup.local(order, { door: 'local', id: setup.name });
      return yield* counted(followLog(source, order, signal), wanted);
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
