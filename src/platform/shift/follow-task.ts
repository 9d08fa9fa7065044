import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../../protocol/limits.ts';
import { chunksOf, openRegular } from '../file-chunks.ts';
import { besideShift, GRANTS, INDEX } from './files.ts';
import { beginOf, grantedIn, type Slice, sliceOf } from './records.ts';

export type TaskSource = {
  readonly path: string;
  readonly script?: string | undefined;
  readonly owner?: number | undefined;
  isFinal(): boolean;
};

export type TaskWish = {
  readonly task: number;
  readonly stream: 'stdout' | 'stderr';
  readonly offset: number;
  readonly follow: boolean;
};

/**
 * What one task of a shift printed, from an offset on: of one that ended, a piece of the shift's
 * log; of the one that runs, what is behind the end of the one before.
 */
export async function* followTask(
  source: TaskSource,
  { task, stream, offset, follow }: TaskWish,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for (let at = offset; ; ) {
    const isLast = !follow || source.isFinal() || signal.aborted;
    const found = await sliceNow(source, task, stream);
    if (found !== undefined) {
      const { from, to } = found.slice;
      for await (const chunk of bytesOf(source, { from: from + at, to })) {
        at += chunk.length;
        yield chunk;
      }
    }
    if (isLast || found?.isEnded === true) return;
    await sleep(limits.followLookMs, undefined, { signal }).catch(() => {});
  }
}

type Found = { readonly slice: Slice; readonly isEnded: boolean };

/** Undefined: it has not begun here. */
async function sliceNow(
  source: TaskSource,
  task: number,
  stream: 'stdout' | 'stderr',
): Promise<Found | undefined> {
  const place = { script: source.script ?? '' };
  // Looked at before the index: all of it is of the task that the index then says is running.
  const size = await sizeOf(source);
  const [grants, index] = await Promise.all([
    readFile(besideShift(place, GRANTS), 'utf8'),
    read(besideShift(place, INDEX), source.owner),
  ]);
  const { places } = grantedIn(grants);
  const running = beginOf(index, places, task, stream);
  if (running !== undefined) return { slice: { from: running, to: size }, isEnded: false };
  const slice = sliceOf(index, task, stream);
  return slice && { slice, isEnded: true };
}

const sizeOf = async (source: TaskSource): Promise<number> => {
  const file = await openRegular(source.path, source.owner);
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
};

async function read(path: string, owner: number | undefined): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const file = await openRegular(path, owner);
  try {
    const { size } = await file.stat();
    for await (const chunk of chunksOf(file, 0, size)) parts.push(chunk);
  } finally {
    await file.close();
  }
  return Buffer.concat(parts);
}

async function* bytesOf(
  { path, owner }: TaskSource,
  { from, to }: Slice,
): AsyncGenerator<Uint8Array> {
  if (from >= to) return;
  const file = await openRegular(path, owner);
  try {
    yield* chunksOf(file, from, to);
  } finally {
    await file.close();
  }
}
