import { type ArrayJob, between, isArray, runsBetween, shiftOf } from '../actors/array/array.ts';
import { kindOf } from '../actors/array/runs.ts';
import type { Job } from '../actors/job/job.ts';
import { keeping } from '../actors/job/keeping.ts';
import { sliceOf } from '../platform/shift/records.ts';
import type { BlobStore } from '../platform/transfer.ts';
import { Failed } from '../protocol/errors.ts';
import type { BlobRef } from '../protocol/model.ts';
import type { Who } from '../protocol/who.ts';
import type { Records } from '../runtime/ports.ts';
import { load } from '../runtime/record.ts';
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

/**
 * The log of one task is a piece of the log of the shift that ran it last. Where that piece is is
 * told by the shift's index: beside the log on the worker, or a blob once both are collected.
 */
export function taskLog(setup: LogSetup, wish: LogWish, who: Who): LogBytes {
  const place = placeOf(arrayOf(setup, wish.id, who), wish);
  return (signal) => bytesOf(setup, wish, { place, who, signal });
}

function arrayOf(setup: LogSetup, id: string, who: Who): ArrayJob {
  const job = loggedJob(setup, id, who);
  if (isArray(job)) return job;
  throw new Failed('not_found', `no array ${id}`);
}

function placeOf(job: ArrayJob, { id, task }: LogWish): number {
  if (task === undefined)
    throw new Failed('refused', `each task of an array has its own log: name one, as ${id}[7]`);
  const places = between(job, task, task);
  if (places === undefined) throw new Failed('not_found', `array ${id} has no task ${task}`);
  return places[0];
}

type Reader = { readonly place: number; readonly who: Who; readonly signal: AbortSignal };

async function* bytesOf(
  setup: LogSetup,
  wish: LogWish,
  { place, who, signal }: Reader,
): AsyncGenerator<Uint8Array> {
  const wanted: Wanted = { ...wish };
  let first = '';
  while (!signal.aborted) {
    const array = arrayOf(setup, wish.id, who);
    const { shift, isOver } = now(setup.store, array, place);
    // What another shift ran again is another log.
    if (first !== '' && shift?.id !== first && wanted.offset > 0) return;
    first = shift?.id ?? first;
    const changed = nextChange(setup.feed, shift?.id ?? wish.id, signal);
    const report = shift?.reports[0];
    const kept = report?.collected;
    if (kept?.index) {
      const slice = sliceOf(await whole(setup.blobs, kept.index), place, wanted.stream);
      if (slice !== undefined) yield* pieceOf(setup.blobs, kept[wanted.stream], slice, wanted);
    } else if (shift !== undefined && isWritten(shift, report))
      yield* fromNode(setup, shift, wanted, signal, place);
    if (!wanted.follow || array.phase === 'ended') return;
    if (isOver && (kept || shift === undefined)) return;
    await changed;
  }
}

type Now = { readonly shift: Job | undefined; readonly isOver: boolean };

/** Which shift has the task, or had it last. */
function now(store: Records, { tasks }: ArrayJob, place: number): Now {
  const [run] = runsBetween(tasks, [place, place]);
  if (run === undefined || run.word === 0) return { shift: undefined, isOver: false };
  const id = shiftOf(tasks, run.shift)?.id ?? '';
  const isOver = !['waiting', 'given'].includes(kindOf(run.word));
  return { shift: load(store, keeping, `/jobs/${id}`)?.state, isOver };
}

/** The bytes of one piece of a blob, from the wished offset in it on. */
async function* pieceOf(
  blobs: BlobStore,
  { sha256 }: BlobRef,
  { from, to }: { readonly from: number; readonly to: number },
  wanted: Wanted,
): AsyncGenerator<Uint8Array> {
  const rest = { ...wanted, offset: from + wanted.offset };
  for await (const chunk of fromBlob(blobs, { sha256, bytes: to }, rest)) {
    const left = to - from - wanted.offset;
    const piece = chunk.length > left ? chunk.subarray(0, left) : chunk;
    wanted.offset += piece.length;
    yield piece;
    if (piece.length === left) return;
  }
}

async function whole(blobs: BlobStore, { sha256 }: BlobRef): Promise<Uint8Array> {
  await blobs.find?.(sha256);
  const parts: Uint8Array[] = [];
  for await (const chunk of blobs.read(sha256, 0)) parts.push(chunk);
  return Buffer.concat(parts);
}
