import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { Failed } from '../protocol/errors.ts';
import { errno } from './disk.ts';

/** Addresses and networks such as 10.0.0.0/8 that a configuration names. */
export type AddressList = {
  readonly has: (address: string) => boolean;
  /** Adds an entry; false: it is none of both, but may be a name. Undefined: it is nothing. */
  readonly add: (entry: string) => boolean | undefined;
};

export function addressList(): AddressList {
  const listed = new BlockList();
  return {
    has(address) {
      const family = familyOf(address);
      return family !== undefined && listed.check(address, family);
    },
    add(entry) {
      const [address = '', bits, ...more] = entry.split('/');
      const family = familyOf(address);
      if (more.length > 0 || (bits !== undefined && family === undefined)) return undefined;
      if (family === undefined) return false;
      const most = family === 'ipv4' ? 32 : 128;
      if (bits === undefined) listed.addAddress(address, family);
      else if (!/^\d{1,3}$/.test(bits) || Number(bits) > most) return undefined;
      else listed.addSubnet(address, Number(bits), family);
      return true;
    },
  };
}

/** All addresses of a host, or the one that it is. Throws `Failed` unreachable. */
export async function addressesOf(host: string): Promise<readonly string[]> {
  if (familyOf(host) !== undefined) return [host];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw new Failed('unreachable', `nobody knows the address of ${host}: ${errno(error)}`);
  }
}

/** The kind of an address; undefined: it is a name. */
export const familyOf = (address: string): 'ipv4' | 'ipv6' | undefined =>
  (({ 4: 'ipv4', 6: 'ipv6' }) as const)[isIP(address) as 4 | 6];

const listOf = (...entries: readonly string[]): AddressList => {
  const list = addressList();
  for (const entry of entries) list.add(entry);
  return list;
};

/** Whoever connects to the unspecified ones reaches the machine itself, too. */
const own = listOf('127.0.0.0/8', '::1', '0.0.0.0/8', '::');

/** Whether an address is that of the machine itself, also one of version 4 as version 6 has it. */
export const isLoopback = (address: string): boolean => own.has(address);

const links = listOf('169.254.0.0/16', 'fe80::/10');

/** Whether an address means something on one link only, as those do at which clouds give keys. */
export const isLinkLocal = (address: string): boolean => links.has(address);
