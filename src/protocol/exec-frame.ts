import { Malformed } from './errors.ts';
import { limits } from './limits.ts';

/**
 * What goes over a stream to a command inside a job, and back. There: `I`, its input, or with no
 * bytes the end of that; `W`, the size of its window, `columns rows`. Back: `O` and `E`, what it
 * printed, and at last `X`, its exit code. Numbers are in decimal.
 */
export type ExecFrame = { readonly kind: string; readonly bytes: Uint8Array };

const HEAD_BYTES = 5;

/** A letter, four bytes of length, the highest first, and its bytes. */
export function encodeExecFrame(kind: string, bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEAD_BYTES + bytes.length);
  frame[0] = kind.charCodeAt(0);
  new DataView(frame.buffer).setUint32(1, bytes.length);
  frame.set(bytes, HEAD_BYTES);
  return frame;
}

/** Puts frames together again from the pieces that they arrive in. Throws only `Malformed`. */
export function execFrames(): (piece: Uint8Array) => readonly ExecFrame[] {
  let kept: Uint8Array = new Uint8Array(0);
  return (piece) => {
    const bytes = kept.length === 0 ? piece : joined(kept, piece);
    const frames: ExecFrame[] = [];
    let at = 0;
    while (bytes.length - at >= HEAD_BYTES) {
      const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(at + 1);
      if (length > limits.execFrameBytesMax)
        throw new Malformed('$', `a frame of at most ${limits.execFrameBytesMax} bytes`);
      const end = at + HEAD_BYTES + length;
      if (bytes.length < end) break;
      const kind = String.fromCharCode(bytes[at] ?? 0);
      frames.push({ kind, bytes: bytes.slice(at + HEAD_BYTES, end) });
      at = end;
    }
    kept = bytes.slice(at);
    return frames;
  };
}

function joined(one: Uint8Array, two: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(one.length + two.length);
  bytes.set(one);
  bytes.set(two, one.length);
  return bytes;
}
