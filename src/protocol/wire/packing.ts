import { Packr } from 'msgpackr/pack';
import { Unpackr } from 'msgpackr/unpack';
import { Malformed } from '../errors.ts';
import { isSoundMsgpack } from './msgpack-scan.ts';

/** How the rows of a frame become bytes. What `pack` gives is the caller's own. */
export type Packing = {
  readonly pack: (value: unknown) => Uint8Array;
  /** Throws only `Malformed`. What it gives are plain values, arrays and objects. */
  readonly unpack: (bytes: Uint8Array) => unknown;
  /** What was packed last never reached the peer. */
  readonly forget: () => void;
};

/** No shape has a BigInt; values are trees, not graphs; a field called `toJSON` is but a field. */
const reading = { int64AsType: 'number', structuredClone: false, useToJSON: false } as const;
const utf8 = new TextEncoder();
const strict = new TextDecoder('utf-8', { fatal: true });
const nothing = (): void => {};

/** The packer gives a view of memory that it goes on to write to. */
const owned = (view: Uint8Array): Uint8Array => Uint8Array.prototype.slice.call(view);

/** MessagePack with maps, as every implementation of it reads it. */
export function plainPacking(): Packing {
  // Absent and undefined are the same to us, but to MessagePack the latter is an extension.
  const options = { ...reading, useRecords: false, skipValues: [undefined] };
  const packr = new Packr(options);
  const unpackr = new Unpackr(options);
  return {
    pack: (value) => owned(packr.pack(value)),
    unpack: (bytes) => unpacked(unpackr, bytes, false),
    forget: nothing,
  };
}

/**
 * MessagePack in which the keys of objects travel once, for the two directions of one link. Both
 * ends must begin together and lose no frame. A packer that begins anew is understood as well,
 * since it teaches everything again: that is what `forget` is for.
 */
export function learningPacking(): Packing {
  const options = { ...reading, sequential: true, mapsAsObjects: true };
  // Copies, since what is learned is kept in them.
  let packr = new Packr({ ...options });
  const unpackr = new Unpackr({ ...options });
  const forget = (): void => {
    packr = new Packr({ ...options });
  };
  return {
    pack(value) {
      try {
        return owned(packr.pack(value));
      } catch (error) {
        forget();
        throw error;
      }
    },
    unpack: (bytes) => unpacked(unpackr, bytes, true),
    forget,
  };
}

/** JSON text, for browsers and for people with a socket and no library. */
export const jsonPacking: Packing = {
  pack: (value) => utf8.encode(JSON.stringify(value)),
  unpack(bytes) {
    try {
      const text = strict.decode(bytes);
      return /__proto__|\\u/i.test(text) ? JSON.parse(text, harmless) : JSON.parse(text);
    } catch {
      throw new Malformed('$', 'JSON in UTF-8');
    }
  },
  forget: nothing,
};

/** `JSON.parse` makes an own key of it, which turns into a prototype when it is assigned. */
const harmless = (key: string, value: unknown): unknown =>
  key === '__proto__' ? undefined : value;

function unpacked(unpackr: Unpackr, bytes: Uint8Array, learning: boolean): unknown {
  if (!isSoundMsgpack(bytes, learning)) throw new Malformed('$', 'MessagePack');
  try {
    return unpackr.unpack(bytes) as unknown;
  } catch (error) {
    // Its own errors, and a RangeError where values are nested deeper than the stack.
    throw new Malformed('$', `MessagePack (${error instanceof Error ? error.message : 'broken'})`);
  }
}
