import { Failed, Malformed } from '../protocol/errors.ts';
import { addressesOf, addressList, familyOf, isLoopback } from './addresses.ts';

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
  const listed = addressList();
  const names = new Set<string>();
  for (const entry of entries) {
    const added = listed.add(entry);
    if (added === undefined) throw new Malformed('ports.out', WANTED);
    if (!added) names.add(entry.toLowerCase());
  }
  const isAllowed = (address: string, submitter: string): boolean => {
    if (listed.has(address)) return true;
    if (isLoopback(address)) return names.has('submitter') && isLoopback(submitter);
    return names.has('*') || (names.has('submitter') && address === submitter);
  };
  return {
    async addressOf(host, submitter) {
      if (host === '')
        throw new Failed('forbidden', 'it is not known from where the job was submitted');
      const addresses = await addressesOf(host);
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

/**
 * What a job's record says of where it was submitted from, as the head of that name saw it: an
 * address of its own machine means something to that head alone.
 */
export function submitterAt(address: string, head: string): string {
  const plain = address.replace(/^::ffff:/i, '');
  return isLoopback(plain) ? `${plain}@${head}` : plain;
}
