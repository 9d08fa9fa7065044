import type { Envelope } from '../protocol/envelope.ts';
import { Malformed } from '../protocol/errors.ts';
import type { Who } from '../protocol/who.ts';
import { meshCodec } from '../protocol/wire/codec.ts';
import { type Outbox, outbox } from '../protocol/wire/outbox.ts';
import type { Note, Wire } from '../runtime/ports.ts';
import type { NodeIdentity } from './identity.ts';
import type { Link } from './link.ts';

export type LinksOptions = {
  readonly note: Note;
  /** What came over a link, and from whom by its certificate. */
  readonly receive: (who: Who, envelope: Envelope) => void;
  readonly onUp: (node: NodeIdentity) => void;
  readonly onDown: (node: NodeIdentity, why: string) => void;
};

/** The links of this node to others, by their names: one for messages each, the newest. */
export type Links = {
  readonly wire: Wire;
  /** Takes a link to a node. Whatever link it had before is closed. */
  take(link: Link): void;
  has(node: string): boolean;
  names(): readonly string[];
  close(node: string, why: string): void;
  closeAll(why: string): void;
};

type Linked = { readonly link: Link; readonly box: Outbox };

export function openLinks(options: LinksOptions): Links {
  const linked = new Map<string, Linked>();

  const take = (link: Link): void => {
    const peer = link.peer as NodeIdentity;
    const who: Who = { door: peer.role, id: peer.name };
    const codec = meshCodec();
    const box = outbox({
      link,
      codec,
      soon: (then) => void setImmediate(then),
      unsent: ({ ask }, failure) => {
        if (ask !== 0) options.receive(who, { is: 'refused', ask, failure });
      },
    });
    const older = linked.get(peer.name)?.link;
    linked.set(peer.name, { link, box });
    if (older !== undefined) {
      options.onDown(peer, 'a newer link took its place');
      older.close('a newer link took its place');
    }
    link.onFrame((frame) => hear(options, who, codec.decode, frame, link));
    link.onDrain(() => box.drained());
    link.onClosed((why) => {
      if (linked.get(peer.name)?.link !== link) return;
      linked.delete(peer.name);
      options.onDown(peer, why);
    });
    options.onUp(peer);
  };

  return {
    wire: { send: (node, envelope) => linked.get(node)?.box.push(envelope) ?? false },
    take,
    has: (node) => linked.has(node),
    names: () => [...linked.keys()],
    close: (node, why) => linked.get(node)?.link.close(why),
    closeAll: (why) => {
      for (const { link } of linked.values()) link.close(why);
    },
  };
}

/** A peer that speaks what nobody understands is hung up on: its next words would be no better. */
function hear(
  { note, receive }: LinksOptions,
  who: Who,
  decode: (frame: Uint8Array) => readonly Envelope[],
  frame: Uint8Array,
  link: Link,
): void {
  try {
    for (const envelope of decode(frame)) receive(who, envelope);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    note('warn', '/links', 'a frame was malformed', { from: who.id, why: error.message });
    link.close(`malformed: ${error.message}`);
  }
}
