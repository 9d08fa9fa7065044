import { closeSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';
import { endianness } from 'node:os';

/** Sizes and flags of LMDB's file format, data version 2, on 64-bit little-endian machines. */
const HEADER = 24;
const META_BYTES = HEADER + 144;
const MAGIC = 0xbeefc0de;
const VERSION = 2;
const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
const UNFLUSHED = 0x1000;
const BIG = 0x01;
const SUBTREE = 0x02;
const NONE = 2 ** 64;

type Meta = {
  readonly pageBytes: number;
  readonly flags: number;
  readonly roots: readonly number[];
  readonly lastPage: number;
  readonly transaction: number;
  readonly boot: bigint;
};

/** `left` counts down the pages that may still be read. */
type Book = {
  readonly file: number;
  readonly bytes: number;
  readonly meta: Meta;
  left: number;
};

/**
 * Looks at an LMDB data file without mapping it, since a mapped read behind its end kills the
 * process. Looks at `pagesMax` pages from the roots down, at all of them if the file is shorter
 * than it should be. Returns what is wrong with it, or undefined.
 */
export function checkStore(path: string, pagesMax: number): string | undefined {
  if (endianness() !== 'LE') return undefined;
  const file = openSync(path, 'r');
  try {
    const bytes = fstatSync(file).size;
    const meta = readMeta(file, bytes);
    if (typeof meta === 'string') return meta;
    const short = bytes < (meta.lastPage + 1) * meta.pageBytes;
    return walk({ file, bytes, meta, left: short ? Number.POSITIVE_INFINITY : pagesMax });
  } finally {
    closeSync(file);
  }
}

function readMeta(file: number, bytes: number): Meta | string {
  const first = Buffer.alloc(META_BYTES);
  if (bytes < META_BYTES || readSync(file, first, 0, META_BYTES, 0) < META_BYTES)
    return `it has ${bytes} bytes, which is less than a header`;
  if (first.readUInt32LE(HEADER) !== MAGIC) return 'its header is not that of a store';
  const version = first.readUInt32LE(HEADER + 4) & 0xffff;
  if (version !== VERSION) return `its format is ${version}, and this swm reads ${VERSION}`;
  const { pageBytes } = parseMeta(first);
  if (pageBytes < 512 || pageBytes > 65_536 || (pageBytes & (pageBytes - 1)) !== 0)
    return `its page size of ${pageBytes} bytes is none`;
  if (bytes < 2 * pageBytes) return `it has ${bytes} bytes, which is less than two pages`;
  const at = (offset: number): Meta => {
    const page = Buffer.alloc(META_BYTES);
    readSync(file, page, 0, META_BYTES, offset);
    return { ...parseMeta(page), pageBytes };
  };
  const boot = bootId();
  return pick(pick(at(0), at(pageBytes), boot), at(pageBytes / 2), boot);
}

function parseMeta(page: Buffer): Meta {
  const at = HEADER + 24;
  return {
    pageBytes: page.readUInt32LE(at),
    flags: page.readUInt16LE(at + 4),
    roots: [number(page, at + 40), number(page, at + 88)],
    lastPage: number(page, at + 96),
    transaction: number(page, at + 104),
    boot: page.readBigInt64LE(at + 112),
  };
}

/** Of two headers the one that LMDB takes: after a power cut, one that was flushed. */
function pick(a: Meta, b: Meta, boot: bigint): Meta {
  if (b.transaction === 0) return a;
  const latest = a.transaction >= b.transaction ? a : b;
  const flushed = (latest.flags & UNFLUSHED) === 0;
  if (flushed || (latest.boot !== 0n && latest.boot === boot)) return latest;
  return a.transaction > b.transaction ? b : a;
}

function bootId(): bigint {
  try {
    const digits = readFileSync('/proc/sys/kernel/random/boot_id', 'ascii').split('-')[0]!;
    return BigInt(`0x${digits}`);
  } catch {
    return 0n;
  }
}

/** From the roots down, level by level, so that a limit leaves out leaves first. */
function walk(book: Book): string | undefined {
  let level = book.meta.roots.filter((root) => root < NONE);
  while (level.length > 0) {
    const below: number[] = [];
    for (const page of level) {
      if (book.left <= 0) return undefined;
      const bytes = readPage(book, page);
      if (typeof bytes === 'string') return bytes;
      const wrong = readNodes(book, page, bytes, below);
      if (wrong !== undefined) return wrong;
    }
    level = below;
  }
  return undefined;
}

function readPage(book: Book, page: number): Buffer | string {
  const { pageBytes, lastPage } = book.meta;
  book.left--;
  if (page > lastPage) return `it refers to page ${page}, and ${lastPage} is its last`;
  if ((page + 1) * pageBytes > book.bytes)
    return `it is cut off: page ${page} ends beyond its ${book.bytes} bytes`;
  const bytes = Buffer.alloc(pageBytes);
  readSync(book.file, bytes, 0, pageBytes, page * pageBytes);
  const found = number(bytes, 0);
  return found === page ? bytes : `page ${page} is torn: it bears the number ${found}`;
}

/** Adds the pages below to `below`, and checks that values on pages of their own are there. */
function readNodes(book: Book, page: number, bytes: Buffer, below: number[]): string | undefined {
  const flags = bytes.readUInt16LE(18);
  const branch = (flags & BRANCH) !== 0;
  if (!branch && (flags & LEAF) === 0) return `page ${page} is torn: it is no part of the tree`;
  const nodes = bytes.readUInt16LE(20) >> 1;
  for (let node = 0; node < nodes; node++) {
    const slot = HEADER + node * 2;
    const at = slot + 2 > bytes.length ? bytes.length : HEADER + bytes.readUInt16LE(slot);
    if (at + 8 > bytes.length) return `page ${page} is torn: entry ${node} lies outside`;
    const low = bytes.readUInt32LE(at);
    const kind = bytes.readUInt16LE(at + 4);
    if (branch) {
      below.push(kind * 2 ** 32 + low);
      continue;
    }
    const value = at + 8 + bytes.readUInt16LE(at + 6);
    const inPage = (kind & BIG) !== 0 ? 8 : low;
    if (value + inPage > bytes.length) return `page ${page} is torn: value ${node} lies outside`;
    if ((kind & BIG) !== 0) {
      const wrong = readBig(book, number(bytes, value), low);
      if (wrong !== undefined) return wrong;
    } else if ((kind & SUBTREE) !== 0) {
      const root = number(bytes, value + 40);
      if (root < NONE) below.push(root);
    }
  }
  return undefined;
}

/** A long value lies on pages in a row; only the first has a header, which counts them. */
function readBig(book: Book, page: number, valueBytes: number): string | undefined {
  const bytes = readPage(book, page);
  if (typeof bytes === 'string') return bytes;
  const pages = bytes.readUInt32LE(20);
  const needed = Math.ceil((valueBytes + HEADER) / book.meta.pageBytes);
  if ((bytes.readUInt16LE(18) & OVERFLOW) === 0 || pages < needed)
    return `page ${page} is torn: it should begin a long value`;
  const end = (page + needed) * book.meta.pageBytes;
  return end <= book.bytes
    ? undefined
    : `it is cut off: a value ends at ${end}, it has ${book.bytes} bytes`;
}

const number = (bytes: Buffer, at: number): number => Number(bytes.readBigUInt64LE(at));
