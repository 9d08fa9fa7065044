import { limits } from '../../protocol/limits.ts';
import type { Feed } from '../watch.ts';
import type { Call, Caller } from './calls.ts';

/** The addresses of all nodes, by their names, as any user may see them. */
export type NodeAddresses = (user: Caller) => Promise<ReadonlyMap<string, string>>;

type Kept = { readonly addresses: Promise<ReadonlyMap<string, string>>; readonly untilMs: number };

/**
 * Programs ask for a job that runs many times a second, and the answer has the addresses of its
 * nodes: so the list of all nodes is read for the first of them, and again once a node has changed.
 */
export function nodeAddresses(call: Call, feed: Feed): NodeAddresses {
  let kept: Kept | undefined;
  const forget = (): void => {
    kept = undefined;
  };
  feed.subscribe('nodes', forget);
  const ask: NodeAddresses = async (user) => {
    const { nodes } = await call(user, 'node.list', {});
    return new Map(nodes.map(({ name, address }) => [name, address]));
  };
  return (user) => {
    const now = performance.now();
    if (kept !== undefined && now < kept.untilMs) return kept.addresses;
    const addresses = ask(user);
    const mine = { addresses, untilMs: now + limits.nodeAddressesMs };
    kept = mine;
    // Who asks next is not told of this one's failure.
    addresses.catch(() => {
      if (kept === mine) forget();
    });
    return addresses;
  };
}
