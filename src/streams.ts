import { serveWatch } from './api/watch.ts';
import type { HeadSetup } from './head.ts';
import type { DiskBlobs } from './platform/blobs.ts';
import type { Hub } from './platform/streams.ts';
import { fetchBlob, sendBlob, serveBlobs } from './platform/transfer.ts';
import type { Carrier } from './platform/workplace.ts';
import { Failed } from './protocol/errors.ts';
import type { Worker } from './worker.ts';

/** What moves a worker's blobs. On a head they are where they belong already. */
export function carrierOf(isHead: boolean, blobs: DiskBlobs, hub: () => Hub | undefined): Carrier {
  if (isHead)
    return {
      fetch: async ({ sha256 }) => {
        throw new Failed('missing_input', `the blob ${sha256} is not here`);
      },
      send: async () => {},
    };
  const linked = (): Hub => {
    const found = hub();
    if (found === undefined) throw new Failed('unreachable', 'no link to a head');
    return found;
  };
  return {
    fetch: (blob, progress, signal) => fetchBlob(linked(), blobs, blob, progress, signal),
    send: (blob, progress, signal) => sendBlob(linked(), blobs, blob, progress, signal),
  };
}

/** What other nodes may open on a head: blobs, whose names nobody guesses. */
export function nodeStreams({ blobs }: HeadSetup, hub: Hub): void {
  serveBlobs(blobs, () => undefined)(hub);
}

/** What a head may open on a worker: the logs of a running job, and its ports. */
export function workerStreams(_hub: Hub, _worker: Worker | undefined): void {}

/** What a terminal may open on a head. */
export function userStreams({ blobs, feed }: HeadSetup, hub: Hub): void {
  serveBlobs(blobs, () => undefined)(hub);
  hub.serve('watch', serveWatch(feed));
}

export function headForwards(_: HeadSetup) {
  return {
    open: async () => {},
    close: async () => {},
    closeAll: async () => {},
    free: async () => '',
  };
}
