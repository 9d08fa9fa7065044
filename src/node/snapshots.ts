import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { openBlobs } from '../platform/blobs.ts';
import type { Offer } from '../platform/replica/messages.ts';
import type { Snapshot } from '../platform/replica/ports.ts';
import type { Spool } from '../platform/spool.ts';
import type { Hub } from '../platform/streams.ts';
import { type BlobStore, fetchBlob } from '../platform/transfer.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';

/** Snapshots go from head to head as blobs do: by their sum, from where it was cut off. */

/** Blobs, and the newest snapshot beside them, for other heads. */
export const withSnapshot = (blobs: BlobStore, snapshot: () => Snapshot | undefined): BlobStore => {
  const path = (sha256: string): string => {
    const latest = snapshot();
    return latest?.sha256 === sha256 ? latest.path : blobs.path(sha256);
  };
  return {
    has: (sha256) => snapshot()?.sha256 === sha256 || blobs.has(sha256),
    find: async (sha256) =>
      snapshot()?.sha256 === sha256 || ((await blobs.find?.(sha256)) ?? blobs.has(sha256)),
    path,
    writer: (sha256, bytes) => blobs.writer(sha256, bytes),
    read: (sha256, start) =>
      snapshot()?.sha256 === sha256
        ? createReadStream(path(sha256), { start, highWaterMark: limits.blobChunkBytes })
        : blobs.read(sha256, start),
  };
};

/** Brings a snapshot that a head offers. What came before a cut is not sent again. */
export async function fetchSnapshot(
  { spool, hubOf }: { readonly spool: Spool; readonly hubOf: (head: string) => Hub | undefined },
  from: string,
  offer: Offer,
): Promise<Snapshot> {
  const hub = hubOf(from);
  if (hub === undefined) throw new Failed('unreachable', `no link to ${from}`);
  const incoming = await openBlobs(join(spool.path, 'run', 'snapshots'));
  const { sha256, bytes } = offer;
  await incoming.sweep(new Set([sha256]), 0, Date.now());
  await fetchBlob(
    hub,
    incoming,
    { sha256, bytes },
    () => {},
    AbortSignal.timeout(limits.callMs * 100),
  );
  return { ...offer, path: incoming.path(sha256) };
}

/** Removes what was fetched, once it is in its place or of no use. */
export async function dropFetched({ spool }: { readonly spool: Spool }): Promise<void> {
  await rm(join(spool.path, 'run', 'snapshots'), { recursive: true, force: true });
}
