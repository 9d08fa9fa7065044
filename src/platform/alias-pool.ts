import { Malformed } from '../protocol/errors.ts';

/** Addresses that can be given to jobs, one each, in a ring. */
export type AliasPool = {
  readonly text: string;
  has(alias: string): boolean;
  /** Another one at each call, so that one that is given but not bound yet is not given again. */
  next(): string;
  readonly size: number;
};

/** Reads a pool such as `127.77.0.0/16`; throws `Malformed`. `start` says where the ring begins. */
export function aliasPool(text: string, start: number): AliasPool {
  const [address = '', bits = ''] = text.split('/');
  const base = numberOf(address);
  const prefix = /^\d{1,2}$/.test(bits) ? Number(bits) : Number.NaN;
  if (base === undefined || !(prefix >= 8 && prefix <= 30))
    throw new Malformed('ports.pool', 'addresses such as 127.77.0.0/16');
  const count = 2 ** (32 - prefix);
  const first = base - (base % count);
  const isUsable = (number: number): boolean => number % 256 !== 0 && number % 256 !== 255;
  let at = Math.floor(start * count);
  return {
    text,
    size: count,
    has(alias) {
      const number = numberOf(alias);
      return number !== undefined && number >= first && number < first + count && isUsable(number);
    },
    next() {
      do at = (at + 1) % count;
      while (!isUsable(first + at));
      return textOf(first + at);
    },
  };
}

function numberOf(address: string): number | undefined {
  const parts = address.split('.');
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part)))
    return undefined;
  const bytes = parts.map(Number);
  if (bytes.some((byte) => byte > 255)) return undefined;
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}

const textOf = (number: number): string =>
  [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.');
