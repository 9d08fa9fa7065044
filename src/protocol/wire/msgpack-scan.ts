/**
 * Bytes of a token with all that belongs to it, by its first byte. Tokens of arrays and maps stand
 * for themselves: what is in them are tokens of their own. 0: its length is written in it, or it is
 * refused.
 */
const sizes = new Uint8Array(256).fill(1);
for (let length = 0; length < 32; length += 1) sizes[0xa0 + length] = 1 + length;
sizes.fill(0, 0xc4, 0xca);
sizes.set([5, 9, 2, 3, 5, 9, 2, 3, 5, 9], 0xca);
sizes.fill(0, 0xd4, 0xdc);
sizes.set([3, 5, 3, 5], 0xdc);
sizes[0xc1] = 0;

/**
 * Whether the bytes are whole tokens that we use: no text or byte string reaches beyond the end,
 * and there are no extensions, of which the reader of MessagePack knows many: dates, errors,
 * regular expressions, references, and texts that are read again and again. `records`: those that
 * define the keys of objects are welcome.
 */
export function isSoundMsgpack(bytes: Uint8Array, records: boolean): boolean {
  const end = bytes.length;
  let at = 0;
  while (at < end) {
    const size = sizes[bytes[at] as number] as number;
    at += size > 0 ? size : sizeAt(bytes, at, records);
  }
  return at === end && end > 0;
}

/** What is refused is longer than any frame. */
const REFUSED = 2 ** 40;

function sizeAt(bytes: Uint8Array, at: number, records: boolean): number {
  const token = bytes[at] as number;
  switch (token) {
    case 0xc4:
    case 0xd9:
      return 2 + byteAt(bytes, at + 1);
    case 0xc5:
    case 0xda:
      return 3 + byteAt(bytes, at + 1) * 256 + byteAt(bytes, at + 2);
    case 0xc6:
    case 0xdb:
      return 5 + byteAt(bytes, at + 1) * 2 ** 24 + threeAt(bytes, at + 2);
    case 0xd4: {
      const kind = bytes[at + 1];
      // 0 is undefined, and `r` begins a record, whose keys and values follow as tokens.
      return records && (kind === 0 || kind === 0x72) ? 3 : REFUSED;
    }
    default:
      return REFUSED;
  }
}

const byteAt = (bytes: Uint8Array, at: number): number => bytes[at] ?? REFUSED;

const threeAt = (bytes: Uint8Array, at: number): number =>
  byteAt(bytes, at) * 2 ** 16 + byteAt(bytes, at + 1) * 2 ** 8 + byteAt(bytes, at + 2);
