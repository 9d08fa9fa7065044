/**
 * Buffers for frames, used again once a link has handed their bytes to the system. Fresh ones for
 * each frame would be garbage outside the heap, for which V8 marks the whole heap ever again: on a
 * head with many jobs that costs more than moving the bytes.
 */
export type FramePool = {
  /** A buffer of that many bytes, whose content may be anything. */
  take(bytes: number): Uint8Array;
  /** The frame in the last buffer was given to the link. */
  sent(frame: Uint8Array): void;
  /** `waiting` bytes of what was sent are not with the system yet; older buffers are free again. */
  settle(waiting: number): void;
  /** The link is gone, and nobody knows what became of its frames: their buffers are left alone. */
  abandon(): void;
};

/** Free buffers of this process, whichever hub used them. */
const free: Uint8Array[] = [];
const freeMax = 256;
const bufferBytes = 16 << 10;
/** Smaller frames are cheap, and would waste the rest of a buffer. */
const worthBytes = 4 << 10;

export function framePool(): FramePool {
  const outside: { readonly buffer: Uint8Array; readonly until: number }[] = [];
  let taken: Uint8Array | undefined;
  let sentBytes = 0;
  return {
    take(bytes) {
      if (bytes < worthBytes || bytes > bufferBytes) return Buffer.allocUnsafe(bytes);
      taken = free.pop() ?? Buffer.allocUnsafeSlow(bufferBytes);
      return taken.subarray(0, bytes);
    },
    sent(frame) {
      sentBytes += frame.length;
      if (taken?.buffer !== frame.buffer) return;
      outside.push({ buffer: taken, until: sentBytes });
      taken = undefined;
    },
    settle(waiting) {
      const settled = sentBytes - waiting;
      let count = 0;
      for (const { buffer, until } of outside) {
        if (until > settled) break;
        count += 1;
        if (free.length < freeMax) free.push(buffer);
      }
      if (count > 0) outside.splice(0, count);
    },
    abandon() {
      outside.length = 0;
      taken = undefined;
    },
  };
}
