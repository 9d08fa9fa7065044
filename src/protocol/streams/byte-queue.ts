/**
 * Bytes in order, as the chunks they came in. Small chunks are copied together: a window full of
 * one-byte chunks would cost hundreds of times its size, and a small view keeps alive the whole
 * buffer that a socket read it into.
 */
export type ByteQueue = {
  chunks: Uint8Array[];
  /** Chunks before this index are gone. */
  head: number;
  length: number;
  /** Where small chunks are gathered, and how much of it is taken. */
  pool: Uint8Array;
  used: number;
};

const gatherBelow = 8 << 10;
const poolBytesMin = 1 << 10;
const poolBytesMax = 16 << 10;
const empty = new Uint8Array(0);

export const byteQueue = (): ByteQueue => ({
  chunks: [],
  head: 0,
  length: 0,
  pool: empty,
  used: 0,
});

/** Appends. A large chunk is kept as it is, so its owner must not write to it any more. */
export function append(queue: ByteQueue, bytes: Uint8Array): void {
  if (bytes.length === 0) return;
  queue.length += bytes.length;
  if (bytes.length < gatherBelow) gather(queue, bytes);
  else queue.chunks.push(bytes);
}

/** Removes and returns the first chunk. */
export function shift(queue: ByteQueue): Uint8Array | undefined {
  const chunk = queue.chunks[queue.head];
  if (chunk) drop(queue, chunk.length);
  return chunk;
}

/** Removes that many bytes from the front. */
export function drop(queue: ByteQueue, bytes: number): void {
  let left = bytes;
  queue.length -= bytes;
  while (left > 0) {
    const chunk = queue.chunks[queue.head] as Uint8Array;
    if (chunk.length > left) {
      queue.chunks[queue.head] = chunk.subarray(left);
      break;
    }
    left -= chunk.length;
    queue.chunks[queue.head] = empty;
    queue.head += 1;
  }
  if (queue.head > 32 && queue.head * 2 > queue.chunks.length) {
    queue.chunks.splice(0, queue.head);
    queue.head = 0;
  }
}

/**
 * Copies bytes out, `from` bytes behind the front, until the target is full from `at` on. There
 * must be as many; nothing is removed.
 */
export function copyOut(queue: ByteQueue, from: number, target: Uint8Array, at: number): void {
  let skip = from;
  let to = at;
  for (let index = queue.head; to < target.length; index += 1) {
    const chunk = queue.chunks[index] as Uint8Array;
    const left = target.length - to;
    if (skip < chunk.length) {
      const whole = skip === 0 && chunk.length <= left;
      const part = whole ? chunk : chunk.subarray(skip, Math.min(chunk.length, skip + left));
      target.set(part, to);
      to += part.length;
    }
    skip = Math.max(0, skip - chunk.length);
  }
}

function gather(queue: ByteQueue, bytes: Uint8Array): void {
  if (queue.pool.length - queue.used < bytes.length) {
    const wanted = Math.min(Math.max(queue.pool.length * 2, poolBytesMin), poolBytesMax);
    queue.pool = new Uint8Array(Math.max(wanted, bytes.length));
    queue.used = 0;
  }
  const at = queue.used;
  queue.pool.set(bytes, at);
  queue.used += bytes.length;
  const last = queue.head < queue.chunks.length ? queue.chunks.at(-1) : undefined;
  if (last?.buffer === queue.pool.buffer && last.byteOffset + last.length === at) {
    queue.chunks[queue.chunks.length - 1] = queue.pool.subarray(last.byteOffset, queue.used);
  } else {
    queue.chunks.push(queue.pool.subarray(at, queue.used));
  }
}
