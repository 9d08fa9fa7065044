import type { Job } from '../actors/job/job.ts';
import { BY_TIME, keeping as jobKeeping } from '../actors/job/keeping.ts';
import type { DiskBlobs } from '../platform/blobs.ts';
import { limits } from '../protocol/limits.ts';
import { split } from '../protocol/ref.ts';
import type { Change, Clock, Note, Records } from '../runtime/ports.ts';
import { find, load, pathOfKey } from '../runtime/record.ts';
import type { Copies } from './copies.ts';
import { unlessReplaced } from './group.ts';
import { namedIn } from './named.ts';
import type { Council } from './seat.ts';
import { openSweep } from './sweep.ts';

/**
 * Brings the blobs that records name to this head, so that it can go on without the others; and
 * removes those that none names, nor any of an attempt that runs here.
 */
export type Hoard = {
  changed(changes: readonly Change[]): void;
  /** Looks at all records: they may be others than before. */
  all(): void;
  close(): void;
};

export type HoardOptions = {
  readonly store: Records;
  readonly copies: Copies;
  readonly note: Note;
  /** Whether there is no other head to bring anything from. */
  readonly isAlone: () => boolean;
  readonly blobs: DiskBlobs;
  readonly nodeStore: Records;
  readonly clock: Clock;
  /** Tells when the records are those of now: one that is behind knows too few names. */
  readonly council: Pick<Council, 'current'>;
};

/** After these the blob is looked for again with the job's next change, or when it is asked for. */
const TRIES_MAX = 3;
const PAUSE_MS = 500;
const NOTHING = { paths: [], next: '' };

export function openHoard(options: HoardOptions): Hoard {
  const { store, copies, note, isAlone } = options;
  const paths = new Set<string>();
  const stop = new AbortController();
  let isBusy = false;

  const work = async (): Promise<void> => {
    for (const path of paths) {
      paths.delete(path);
      // After a snapshot all are looked at anew.
      const job = unlessReplaced(() => load<Job>(store, jobKeeping, path)?.state, undefined);
      for (const sha256 of job === undefined ? [] : blobsOf(job)) await bring(sha256, path);
      if (stop.signal.aborted) return;
    }
  };
  const bring = async (sha256: string, path: string): Promise<void> => {
    for (let tries = 1; !stop.signal.aborted; tries++) {
      if (await copies.bring(sha256, stop.signal).catch(() => false)) return;
      if (tries === TRIES_MAX)
        return note('debug', path, 'a blob could not be brought here', { sha256 });
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS * tries).unref());
    }
  };

  const begin = (): void => {
    if (isBusy || paths.size === 0) return;
    isBusy = true;
    void work().finally(() => {
      isBusy = false;
    });
  };

  const sweep = sweepOf(options);

  return {
    changed(changes) {
      if (isAlone()) return;
      for (const { key } of changes) {
        const path = pathOfKey(key);
        if (path !== undefined && split(path).pool === '/jobs') paths.add(path);
      }
      begin();
    },
    all() {
      if (isAlone()) return;
      for (const path of allJobs(store)) paths.add(path);
      begin();
    },
    close() {
      stop.abort();
      sweep.close();
    },
  };
}

function* allJobs(store: Records): Generator<string> {
  for (let after = ''; ; ) {
    const from = after;
    const page = unlessReplaced(() => find(store, `${BY_TIME}/`, limits.pageMax, from), NOTHING);
    yield* page.paths;
    if (page.next === '') return;
    after = page.next;
  }
}

const sweepOf = (options: HoardOptions): ReturnType<typeof openSweep> =>
  openSweep({
    ...options,
    named: async () => {
      await options.council.current();
      return namedIn([options.store, options.nodeStore]);
    },
    everyMs: limits.headSweepMs,
    keptMs: limits.headBlobMs,
  });

/** All blobs that a job's record names. */
function blobsOf({ scriptBlob, inputs, reports, checkpoint, runs }: Job): ReadonlySet<string> {
  const files = [
    ...(scriptBlob === null ? [] : [scriptBlob]),
    ...inputs,
    ...(checkpoint?.files ?? []),
    ...runs.flatMap(({ stdout, stderr }) => [stdout, stderr].filter((blob) => blob !== null)),
    ...reports.flatMap((report) => {
      const collected = report?.collected;
      return collected ? [...collected.outputs, collected.stdout, collected.stderr] : [];
    }),
  ];
  return new Set(files.map(({ sha256 }) => sha256));
}
