import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failed, Malformed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Who } from '../protocol/who.ts';
import type { Cancel } from '../runtime/ports.ts';
import { chunksOf, openRegular } from './file-chunks.ts';
import { followTask } from './shift/follow-task.ts';
import { drained } from './stream.ts';
import type { Hub } from './streams.ts';

/** What a stream of kind `log.follow` asks for. */
export type FollowOrder = {
  readonly job: string;
  readonly attempt: number;
  readonly rank: number;
  readonly stream: 'stdout' | 'stderr';
  /** Bytes to leave out. */
  readonly offset: number;
  /** Whether to wait for what is not written yet. */
  readonly follow: boolean;
  /** Of a shift: only what this task printed, by its place. */
  readonly task?: number | undefined;
};

/** A file that grows, and who knows when it does so no more. */
export type LogSource = {
  readonly path: string;
  /** Beside it lies what tells where in the log each task is, if it is that of a shift. */
  readonly script?: string | undefined;
  /** The account that it must belong to: the job may put links in place of its folders. */
  readonly owner?: number | undefined;
  /** True once nothing is added any more; what was added before is then in the file. */
  isFinal(): boolean;
  /** Calls once it is final, also if it is so already. */
  onFinal(then: () => void): Cancel;
};

/** Finds a log for somebody, or throws `Failed`. */
export type LocateLog = (order: FollowOrder, who: Who) => LogSource | Promise<LogSource>;

/** Lets the peer follow logs of this node. The stream ends when the log is final and sent. */
export function serveFollow(hub: Hub, locate: LocateLog): void {
  hub.serve('log.follow', async ({ body, who, stream, accept }) => {
    const order = readFollow(body);
    const source = await locate(order, who);
    const gone = new AbortController();
    stream.once('close', () => gone.abort());
    accept();
    stream.resume();
    for await (const chunk of followLog(source, order, gone.signal))
      if (!stream.write(chunk)) await drained(stream);
    stream.end();
  });
}

/** The bytes that somebody asks for: of a whole log, or of a task. */
export const followLog = (
  source: LogSource,
  order: Pick<FollowOrder, 'task' | 'stream' | 'offset' | 'follow'>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> =>
  order.task === undefined
    ? followFile(source, order.offset, order.follow, signal)
    : followTask(source, { ...order, task: order.task }, signal);

/**
 * The bytes of a log from an offset on: to its end now, or with `follow` until it is final. A file
 * that is not there yet is waited for. One that became shorter, or another file in its place, is
 * read from its start, as a reader wants to see what is written now.
 */
export async function* followFile(
  { path, owner, isFinal, onFinal }: LogSource,
  offset: number,
  follow: boolean,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const bell = new Bell(path, signal);
  const forget = onFinal(bell.ring);
  const place: Place = { at: offset, moved: false };
  let file: FileHandle | undefined;
  try {
    for (;;) {
      // Asked before it is read: what was added before the end was told is then seen.
      const last = !follow || isFinal() || signal.aborted;
      bell.listen();
      file ??= await openIfThere(path, owner);
      if (file) yield* grown(file, place);
      if (file && (await isReplaced(path, file))) {
        await file.close();
        file = undefined;
        place.at = 0;
        place.moved = true;
        bell.forget();
      } else if (last) return;
      else await bell.rung();
    }
  } finally {
    forget();
    bell.close();
    await file?.close();
  }
}

/** Where a reader is, and whether it has read or gone back: only then can a shorter file be cut. */
type Place = { at: number; moved: boolean };

/** Yields what is there beyond the place, which it moves. */
async function* grown(file: FileHandle, place: Place): AsyncGenerator<Uint8Array, void> {
  for (;;) {
    const { size } = await file.stat();
    if (size < place.at && place.moved) place.at = 0;
    if (size <= place.at) return;
    for await (const chunk of chunksOf(file, place.at, size)) {
      place.at += chunk.length;
      place.moved = true;
      yield chunk;
    }
  }
}

async function openIfThere(path: string, owner?: number): Promise<FileHandle | undefined> {
  try {
    return await openRegular(path, owner);
  } catch (error) {
    const code = error instanceof Failed ? error.failure.code : undefined;
    // One that is not the job's own is none, or is about to be given to it.
    if (code === 'not_found' || (code === 'forbidden' && owner !== undefined)) return undefined;
    throw error;
  }
}

async function isReplaced(path: string, file: FileHandle): Promise<boolean> {
  const [now, open] = await Promise.all([stat(path).catch(() => undefined), file.stat()]);
  return now !== undefined && (now.ino !== open.ino || now.dev !== open.dev);
}

/** Rings when the file may have changed: the system says so, or some time has passed. */
class Bell {
  readonly #path: string;
  readonly #signal: AbortSignal;
  #watcher: FSWatcher | undefined;
  /** The file, or its folder. */
  #watched: string | undefined;
  #rang = false;
  #heard: (() => void) | undefined;
  readonly #look: NodeJS.Timeout;

  constructor(path: string, signal: AbortSignal) {
    this.#path = path;
    this.#signal = signal;
    this.#look = setInterval(() => this.ring(), limits.followLookMs).unref();
    signal.addEventListener('abort', this.ring);
  }

  readonly ring = (): void => {
    this.#rang = true;
    this.#heard?.();
  };

  /** Forgets what rang before, since its listener is about to look itself. */
  listen(): void {
    this.#rang = false;
    if (this.#watched === this.#path) return;
    // A busy folder would ring for each of its files: it is listened to only until ours is there.
    if (this.#watch(this.#path) || this.#watched !== undefined) return;
    this.#watch(dirname(this.#path));
  }

  /** Another file is in its place, of which nothing is heard yet. */
  forget(): void {
    this.#watcher?.close();
    this.#watched = undefined;
  }

  async rung(): Promise<void> {
    if (!this.#rang) await new Promise<void>((resolve) => (this.#heard = resolve));
    this.#heard = undefined;
  }

  close(): void {
    clearInterval(this.#look);
    this.#signal.removeEventListener('abort', this.ring);
    this.forget();
  }

  /** False: it is not there yet, or no watches are left. It is looked at all the same. */
  #watch(path: string): boolean {
    try {
      const watcher = watch(path, { persistent: false }, this.ring);
      watcher.on('error', () => this.forget());
      this.forget();
      this.#watcher = watcher;
      this.#watched = path;
      return true;
    } catch {
      return false;
    }
  }
}

/** Reads the body of a `log.follow`; throws `Malformed`. */
function readFollow(body: unknown): FollowOrder {
  const order = body as Readonly<Record<keyof FollowOrder, unknown>>;
  const { job, stream, follow } = order;
  if (typeof job !== 'string' || job.length > limits.pathCharsMax)
    throw new Malformed('$.job', 'the id of a job');
  if (stream !== 'stdout' && stream !== 'stderr')
    throw new Malformed('$.stream', '`stdout` or `stderr`');
  if (typeof follow !== 'boolean') throw new Malformed('$.follow', 'true or false');
  const count = (name: 'attempt' | 'rank' | 'offset' | 'task'): number => {
    const value = order[name];
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
    throw new Malformed(`$.${name}`, 'a count');
  };
  return {
    job,
    stream,
    follow,
    ...(order.task !== undefined && { task: count('task') }),
    attempt: count('attempt'),
    rank: count('rank'),
    offset: count('offset'),
  };
}
