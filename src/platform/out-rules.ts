import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { Failed, Malformed } from '../protocol/errors.ts';
import { errno } from './disk.ts';

/** Where jobs' `out` ports may lead to. */
export type OutRules = {
  /**
   * The address to connect to for a host, a name or an address, if a job that was submitted from
   * that address may reach it. Throws `Failed` forbidden or unreachable.
   */
  addressOf(host: string, submitter: string): Promise<string>;
};

const WANTED = '`submitter`, `*`, a name, an address, or addresses such as 10.0.0.0/8';

/**
 * Reads `ports.out` of the configuration. Loopback addresses are the head's own services: `*` does
 * not mean them, only the address itself, or a submitter that came from there.
 */
export function outRules(entries: readonly string[]): OutRules {
  const listed = new BlockList();
  const names = new Set<string>();
  for (const entry of entries) {
    const [address = '', bits, ...more] = entry.split('/');
    const family = familyOf(address);
    if (more.length > 0 || (bits !== undefined && family === undefined))
      throw new Malformed('ports.out', WANTED);
    if (family === undefined) names.add(entry.toLowerCase());
    else if (bits === undefined) listed.addAddress(address, family);
    else addSubnet(listed, address, bits, family);
  }
  const isAllowed = (address: string, submitter: string): boolean => {
    const family = familyOf(address);
    if (family === undefined) return false;
    if (listed.check(address, family)) return true;
    if (isLoopback(address)) return names.has('submitter') && isLoopback(submitter);
    return names.has('*') || (names.has('submitter') && address === submitter);
  };
  return {
    async addressOf(host, submitter) {
      if (host === '')
        throw new Failed('forbidden', 'it is not known from where the job was submitted');
      const addresses = await resolved(host);
      const isNamed = familyOf(host) === undefined && names.has(host.toLowerCase());
      const found = addresses.find((each) => isNamed || isAllowed(each, submitter));
      if (found !== undefined) return found;
      throw new Failed(
        'forbidden',
        `${host} is none of the addresses that \`ports.out\` of the head lets jobs reach`,
      );
    },
  };
}

function addSubnet(list: BlockList, address: string, bits: string, family: 'ipv4' | 'ipv6'): void {
  const most = family === 'ipv4' ? 32 : 128;
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > most) throw new Malformed('ports.out', WANTED);
  list.addSubnet(address, Number(bits), family);
}

async function resolved(host: string): Promise<readonly string[]> {
  if (familyOf(host) !== undefined) return [host];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (error) {
    throw new Failed('unreachable', `nobody knows the address of ${host}: ${errno(error)}`);
  }
}

const familyOf = (address: string): 'ipv4' | 'ipv6' | undefined =>
  (({ 4: 'ipv4', 6: 'ipv6' }) as const)[isIP(address) as 4 | 6];

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');
/** Whoever connects to these reaches the machine itself, too. */
loopback.addSubnet('0.0.0.0', 8, 'ipv4');
loopback.addAddress('::', 'ipv6');

/** Whether an address is that of the machine itself, also one of version 4 as version 6 has it. */
export const isLoopback = (address: string): boolean => {
  const family = familyOf(address);
  return family !== undefined && loopback.check(address, family);
};

/**
 * What a job's record says of where it was submitted from, as the head of that name saw it: an
 * address of its own machine means something to that head alone.
 */
export function submitterAt(address: string, head: string): string {
  const plain = address.replace(/^::ffff:/i, '');
  return isLoopback(plain) ? `${plain}@${head}` : plain;
}
