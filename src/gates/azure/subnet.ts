import { createHash } from 'node:crypto';
import { Failed, Malformed } from '../../protocol/errors.ts';

/** Of a cluster: 64 addresses, of which Azure keeps the first four and the last one. */
const BITS = 26;
const SIZE = 2 ** (32 - BITS);
const RESERVED = 4;

/** A range of addresses; the first one is a number. */
type Range = { readonly first: number; readonly bits: number };

/** The range that all clusters of a site share, such as `10.77.0.0/16`. */
export function checkRange(text: string, at: string): string {
  const range = readRange(text);
  if (range === undefined) throw new Malformed(at, 'wants a range such as 10.77.0.0/16');
  if (range.bits > BITS) throw new Malformed(at, `has no room for a cluster; take a /${BITS}`);
  return text;
}

/**
 * A part of the range for one cluster, none of those that others have: whoever joins networks of
 * clusters with others must be able to tell all machines apart.
 */
export function pickSubnet(range: string, cluster: string, taken: readonly string[]): string {
  const { first, bits } = readRange(range) as Range;
  const count = 2 ** (BITS - bits);
  const used = new Set(taken);
  const start = createHash('sha256').update(cluster).digest().readUInt32BE(0) % count;
  for (let step = 0; step < count; step++) {
    const subnet = `${dotted(first + SIZE * ((start + step) % count))}/${BITS}`;
    if (!used.has(subnet)) return subnet;
  }
  throw new Failed('capacity', `all of ${range} is given to clusters`);
}

/** The address of the machine that bears this number in its cluster, from 0. */
export function addressIn(subnet: string, at: number): string {
  const range = readRange(subnet);
  if (range === undefined) throw new Failed('site_error', `${subnet} is no range of addresses`);
  return dotted(range.first + RESERVED + at);
}

function readRange(text: string): Range | undefined {
  const [, a, b, c, d, size] = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(text) ?? [];
  const parts = [a, b, c, d].map(Number);
  const bits = Number(size);
  if (!parts.every((part) => part <= 255) || !(bits >= 8 && bits <= 32)) return undefined;
  const first = parts.reduce((sum, part) => sum * 256 + part, 0);
  return first % 2 ** (32 - bits) === 0 ? { first, bits } : undefined;
}

const dotted = (address: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
