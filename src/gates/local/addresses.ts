import { createHash } from 'node:crypto';
import { Failed } from '../../protocol/errors.ts';

/** 127.78.0.1 to 127.78.255.254: loopback addresses that nobody else is known to use. */
const FIRST = 1;
const COUNT = 0xfffe;

/**
 * A loopback address for each machine, none of which is taken. The search begins where the name of
 * the machine says, so that the sites of several installations on one host seldom meet.
 */
export function pickAddresses(
  machines: readonly string[],
  taken: Iterable<string>,
): readonly string[] {
  const used = new Set(taken);
  return machines.map((machine) => {
    const start = createHash('sha256').update(machine).digest().readUInt32BE(0) % COUNT;
    for (let step = 0; step < COUNT; step++) {
      const at = FIRST + ((start + step) % COUNT);
      const address = `127.78.${at >> 8}.${at & 0xff}`;
      if (used.has(address)) continue;
      used.add(address);
      return address;
    }
    throw new Failed('capacity', 'all addresses of 127.78.0.0/16 are taken');
  });
}
