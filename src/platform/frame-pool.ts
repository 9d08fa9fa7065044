/**
 * Buffers for frames, used again once a link has handed their bytes to the system. Fresh ones for
 * each frame would be garbage outside the heap, for which V8 marks the whole heap ever again: on a
 * head with many jobs that costs more than moving the bytes.
 */
export type FramePool = {
  /** A buffer of that many bytes, whose content may be anything. */
  take(bytes: number): Uint8Array;
  /** The frame was given to the link. */
  sent(frame: Uint8Array): void;
  /** `waiting` bytes of what was sent are not with the system yet; older buffers are free again. */
  settle(waiting: number): void;
  /** The link is gone, and nobody knows what became of its frames: their buffers are left alone. */
  abandon(): void;
};

/** Free buffers of this process by their size, whichever hub used them. */
const free = new Map<number, Uint8Array[]>();
const freeMax = 256;

/** `frameBytes`: only frames of exactly this size are worth it; those that carry much have it. */
export function framePool(frameBytes: number): FramePool {
  const idle = free.get(frameBytes) ?? [];
  free.set(frameBytes, idle);
  let outside: { readonly frame: Uint8Array; readonly until: number }[] = [];
  let sentBytes = 0;
  return {
    take: (bytes) =>
      bytes === frameBytes
        ? (idle.pop() ?? Buffer.allocUnsafeSlow(bytes))
        : Buffer.allocUnsafe(bytes),
    sent(frame) {
      sentBytes += frame.length;
      if (frame.length === frameBytes) outside.push({ frame, until: sentBytes });
    },
    settle(waiting) {
      const settled = sentBytes - waiting;
      if (outside.length === 0 || (outside[0]?.until ?? 0) > settled) return;
      const held = outside.findIndex(({ until }) => until > settled);
      const done = held < 0 ? outside : outside.splice(0, held);
      if (held < 0) outside = [];
      for (const { frame } of done) if (idle.length < freeMax) idle.push(frame);
    },
    abandon() {
      outside = [];
    },
  };
}
