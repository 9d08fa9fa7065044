import type { Credentials } from '../platform/credentials.ts';
import { dialMesh } from '../platform/dial.ts';
import type { Purpose } from '../platform/link.ts';
import { type Kept, keepDialled } from '../platform/redial.ts';
import { type MeshParts, taking } from './mesh.ts';

/** The heads that a node keeps dialling, by their addresses. */
export type Dials = {
  /** Whom to dial from now on: links to others that it dialled are closed. */
  set(addresses: readonly string[]): void;
  /** Whom to dial besides. */
  add(addresses: readonly string[]): void;
  close(why: string): void;
};

const purposes: readonly Purpose[] = ['messages', 'bulk'];

/** Dials each for messages and for bulk, and keeps on for as long as it is wanted. */
export function openDials(parts: MeshParts, credentials: Credentials): Dials {
  const dialled = new Map<string, readonly Kept[]>();
  const set = (addresses: readonly string[], why: string): void => {
    for (const [address, kept] of dialled) {
      if (addresses.includes(address)) continue;
      dialled.delete(address);
      for (const each of kept) each.close(why);
    }
    for (const address of addresses) {
      if (dialled.has(address)) continue;
      const kept = purposes.map((purpose) => dial(parts, credentials, address, purpose));
      dialled.set(address, kept);
    }
  };
  return {
    set: (addresses) => set(addresses, 'it is no head any more'),
    add: (addresses) => set([...dialled.keys(), ...addresses], ''),
    close: (why) => set([], why),
  };
}

function dial(parts: MeshParts, credentials: Credentials, address: string, purpose: Purpose): Kept {
  const { clock, note } = parts;
  const take = taking(parts);
  return keepDialled({
    dial: () => dialMesh({ address, credentials, purpose, expectRole: 'head', note }),
    clock,
    dice: Math.random,
    onLink: (link) => take(link, purpose),
    onLost: (why) => note('warn', '/links', `the link to ${address} is lost`, { why, purpose }),
    onFailed: ({ text }, failed, nextInMs) => {
      if (failed < 3 || failed % 20 === 0)
        note('warn', '/links', text, { purpose, failed, nextInMs });
    },
  });
}
