import type { Credentials } from '../platform/credentials.ts';
import { dialMesh } from '../platform/dial.ts';
import type { NodeIdentity } from '../platform/identity.ts';
import type { Link, Purpose } from '../platform/link.ts';
import { type Kept, keepDialled, type Redial } from '../platform/redial.ts';
import { limits } from '../protocol/limits.ts';
import type { Millis } from '../runtime/ports.ts';
import { type MeshParts, taking } from './mesh.ts';

/** The heads that a node keeps dialling, by their addresses. */
export type Dials = {
  /** Whom to dial from now on: links to others that it dialled are closed. */
  set(addresses: readonly string[]): void;
  /** Whom to dial besides. */
  add(addresses: readonly string[]): void;
  /** Whom to dial besides, whoever else is set. */
  keep(addresses: readonly string[]): void;
  /** Dials at once whoever is waited for: one of them is said to lead. */
  hurry(): void;
  close(why: string): void;
};

const purposes: readonly Purpose[] = ['messages', 'bulk'];

/** Dials each for messages and for bulk, and keeps on for as long as it is wanted. */
export function openDials(
  parts: MeshParts,
  credentials: Credentials,
  waitMsMax: Millis = limits.redialMsMax,
): Dials {
  const ways = { messages: new Ways(), bulk: new Ways() };
  const dialled = new Map<string, readonly Kept[]>();
  let wanted: readonly string[] = [];
  let kept: readonly string[] = [];
  const follow = (why: string): void => {
    const addresses = [...wanted, ...kept];
    for (const [address, links] of dialled) {
      if (addresses.includes(address)) continue;
      dialled.delete(address);
      for (const each of links) each.close(why);
    }
    for (const address of addresses) {
      if (dialled.has(address)) continue;
      const links = purposes.map((purpose) => {
        const redial = { ...way(parts, credentials, address, purpose, ways[purpose]), waitMsMax };
        return keepDialled(redial);
      });
      dialled.set(address, links);
    }
  };
  const set = (addresses: readonly string[]): void => {
    wanted = addresses;
    follow('it is no head any more');
  };
  return {
    set,
    add: (addresses) => set([...new Set([...wanted, ...addresses])]),
    keep: (addresses) => {
      kept = addresses;
      follow('this way is not there any more');
    },
    hurry: () => {
      for (const links of dialled.values()) for (const each of links) each.hurry();
    },
    close: (why) => {
      wanted = [];
      kept = [];
      follow(why);
    },
  };
}

/**
 * A head may be reached in more than one way, and has one link at a time, the newest: as long as
 * there is one, the other ways wait, or each would end the other for ever.
 */
class Ways {
  /** The head that was found at an address. */
  readonly #names = new Map<string, string>();
  /** The address by which a head is linked. */
  readonly #linked = new Map<string, string>();
  readonly #waiting = new Set<() => void>();

  /** Resolves once no other way leads to whom this one leads to, as far as is known. */
  async free(address: string): Promise<void> {
    for (;;) {
      const by = this.#linked.get(this.#names.get(address) ?? '');
      if (by === undefined || by === address) return;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  take(address: string, link: Link): void {
    const { name } = link.peer as NodeIdentity;
    this.#names.set(address, name);
    this.#linked.set(name, address);
    link.onClosed(() => {
      if (this.#linked.get(name) !== address) return;
      this.#linked.delete(name);
      const waiting = [...this.#waiting];
      this.#waiting.clear();
      for (const look of waiting) look();
    });
  }
}

function way(
  parts: MeshParts,
  credentials: Credentials,
  address: string,
  purpose: Purpose,
  ways: Ways,
): Redial {
  const { clock, note } = parts;
  const take = taking(parts);
  return {
    dial: async () => {
      await ways.free(address);
      return dialMesh({ address, credentials, purpose, expectRole: 'head', note });
    },
    clock,
    dice: Math.random,
    onLink: (link) => {
      ways.take(address, link);
      take(link, purpose);
    },
    onLost: (why) => note('warn', '/links', `the link to ${address} is lost`, { why, purpose }),
    onFailed: ({ text }, failed, nextInMs) => {
      if (failed < 3 || failed % 20 === 0)
        note('warn', '/links', text, { purpose, failed, nextInMs });
    },
  };
}
