import type { BlobRef } from '../actors/ports.ts';
import type { BlobWriter, DiskBlobs } from '../platform/blobs.ts';
import type { Hub } from '../platform/streams.ts';
import { type BlobStore, fetchBlob, sendBlob, sizeOfBlob } from '../platform/transfer.ts';
import type { Carrier } from '../platform/workplace.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';

/**
 * The blobs of several heads. A record may name one only when as many heads hold it as the log
 * needs for a commit; a head that lacks one brings it from another.
 */
export type Copies = {
  /** What workers and terminals put to and get from: a put ends once enough heads hold it. */
  readonly store: BlobStore;
  /** Resolves once enough heads hold a blob of this one. Throws `Failed` unreachable. */
  settle(blob: BlobRef, signal?: AbortSignal): Promise<void>;
  /** The same, and throws `Failed` missing_input if it is on no head. */
  fetch(sha256: string, signal: AbortSignal): Promise<void>;
  /** Whether it is here, if need be after it was brought from another head. */
  bring(sha256: string, signal?: AbortSignal): Promise<boolean>;
};

export type CopiesOptions = {
  readonly blobs: DiskBlobs;
  readonly self: string;
  /** The heads that vote, this one perhaps among them. */
  readonly voters: () => readonly string[];
  readonly hubOf: (head: string) => Hub | undefined;
};

/** How many blobs are remembered to have been settled; one that is forgotten is asked for again. */
const KNOWN_MAX = 10_000;
const unheard = (): void => {};

export function openCopies(options: CopiesOptions): Copies {
  const { blobs } = options;
  const known = new Set<string>();
  let since = performance.now();
  const settle = async ({ sha256, bytes }: BlobRef, signal?: AbortSignal): Promise<void> => {
    const voters = options.voters();
    const mark = `${sha256} ${voters.join()}`;
    // Others remove what nobody names nor asks for.
    if (performance.now() - since > limits.blobSettledMs) {
      known.clear();
      since = performance.now();
    }
    if (known.has(mark)) return;
    await spread(options, voters, { sha256, bytes }, signal);
    if (known.size >= KNOWN_MAX) known.clear();
    known.add(mark);
  };
  const bring = async (sha256: string, signal?: AbortSignal): Promise<boolean> =>
    blobs.has(sha256) || fetched(options, sha256, signal ?? new AbortController().signal);
  return {
    settle,
    bring,
    fetch: async (sha256, signal) => {
      if (await bring(sha256, signal)) return;
      throw new Failed('missing_input', `the blob ${sha256} is on no head that is there`);
    },
    store: {
      has: (sha256) => blobs.has(sha256),
      find: bring,
      path: (sha256) => blobs.path(sha256),
      read: (sha256, offset) => blobs.read(sha256, offset),
      writer: async (sha256, bytes) => {
        const writer = await blobs.writer(sha256, bytes);
        return settling(writer, () => settle({ sha256, bytes }));
      },
    },
  };
}

const settling = (writer: BlobWriter, settle: () => Promise<void>): BlobWriter => ({
  get offset() {
    return writer.offset;
  },
  write: (chunk) => writer.write(chunk),
  finish: async () => {
    await writer.finish();
    await settle();
  },
  abandon: () => writer.abandon(),
});

/** Sends it to all other voters, and waits for as many as make most of them. */
async function spread(
  { blobs, self, hubOf }: CopiesOptions,
  voters: readonly string[],
  blob: BlobRef,
  signal?: AbortSignal,
): Promise<void> {
  const others = voters.filter((name) => name !== self);
  let missing = Math.floor(voters.length / 2) + 1 - (voters.length - others.length);
  if (missing <= 0) return;
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const enough = Promise.withResolvers<void>();
  let trying = others.length;
  for (const name of others) {
    const hub = hubOf(name);
    const sent =
      hub === undefined
        ? Promise.reject(new Failed('unreachable', `no link to ${name}`))
        : sendBlob(hub, blobs, blob, unheard, either);
    sent.then(
      () => {
        missing -= 1;
        if (missing === 0) enough.resolve();
      },
      (error: unknown) => {
        trying -= 1;
        const why = error instanceof Error ? error.message : String(error);
        if (trying < missing)
          enough.reject(
            new Failed('unreachable', `too few heads can keep the file ${blob.sha256}: ${why}`),
          );
      },
    );
  }
  try {
    await enough.promise;
  } catch (error) {
    stop.abort();
    throw error;
  }
}

/** Brings a blob from whichever head has it. */
async function fetched(
  { blobs, self, voters, hubOf }: CopiesOptions,
  sha256: string,
  signal: AbortSignal,
): Promise<boolean> {
  for (const name of voters()) {
    const hub = name === self ? undefined : hubOf(name);
    if (hub === undefined || !hub.attached) continue;
    try {
      const bytes = await sizeOfBlob(hub, sha256);
      await fetchBlob(hub, blobs, { sha256, bytes }, unheard, signal);
      return true;
    } catch (error) {
      // Another may have it.
      if (!(error instanceof Failed)) throw error;
    }
  }
  return false;
}

/** What moves the blobs of jobs that run on a head: most heads must have what is sent. */
export const carrierOf = (copies: Copies): Carrier => ({
  fetch: ({ sha256 }, _, signal) => copies.fetch(sha256, signal),
  send: (blob, _, signal) => copies.settle(blob, signal),
});
