import { failure } from '../protocol/errors.ts';
import type { Who } from '../protocol/who.ts';
import type { Note } from '../runtime/ports.ts';
import type { NodeIdentity } from './identity.ts';
import type { Link } from './link.ts';
import { type Hub, streamHub } from './streams.ts';

/** The streams of this node with others, by their names, on links of their own. */
export type Bulk = {
  /** Takes a bulk link; streams that were cut go on over it. */
  take(link: Link): void;
  hub(node: string): Hub | undefined;
  /** A node is gone for good: its streams end. */
  forget(node: string, why: string): void;
  close(why: string): void;
};

/** `serve` says which streams a peer may open. */
export function openBulk(serve: (hub: Hub) => void, note: Note): Bulk {
  const hubs = new Map<string, Hub>();

  const hubFor = ({ name: id, role: door }: NodeIdentity): Hub => {
    const known = hubs.get(id);
    if (known !== undefined) return known;
    const who: Who = { door, id };
    const hub = streamHub({ who, note });
    serve(hub);
    hubs.set(id, hub);
    return hub;
  };
  const forget = (node: string, why: string): void => {
    hubs.get(node)?.close(failure('unreachable', why));
    hubs.delete(node);
  };

  return {
    take: (link) => hubFor(link.peer as NodeIdentity).attach(link),
    hub: (node) => hubs.get(node),
    forget,
    close: (why) => {
      for (const node of [...hubs.keys()]) forget(node, why);
    },
  };
}
