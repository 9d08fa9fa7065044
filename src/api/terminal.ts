import type { UserIdentity } from '../platform/identity.ts';
import type { Link } from '../platform/link.ts';
import { submitterAt } from '../platform/out-rules.ts';
import type { Hub } from '../platform/streams.ts';
import type { Subprotocol } from '../platform/terminals.ts';
import type { Envelope } from '../protocol/envelope.ts';
import { type Failure, failure, Malformed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { isStreamFrame } from '../protocol/streams/stream-frame.ts';
import type { Who } from '../protocol/who.ts';
import { jsonCodec, plainCodec } from '../protocol/wire/codec.ts';
import { type Outbox, outbox } from '../protocol/wire/outbox.ts';
import type { Answer } from '../runtime/asks.ts';
import type { Node } from '../runtime/node.ts';
import { askSession, endSession } from './ask-session.ts';
import type { Audited } from './audited.ts';
import { type TerminalStreams, terminalStreams } from './terminal-streams.ts';

export type TerminalDoor = {
  readonly node: Node;
  /** What the registry says of a user. */
  isOperator(user: string): boolean;
  /** Notes what terminals change; nothing is noted without. */
  readonly audited?: Audited;
  /** Says which streams a terminal may open; each kind looks itself at who asks. */
  readonly serve: (hub: Hub) => void;
};

/**
 * Makes the door for terminals: each link gets a session, an actor of its own, which is told what
 * the terminal says and whose answers go back. What came in by the certificate stays with it: no
 * frame says who speaks.
 */
export function terminalDoor(
  door: TerminalDoor,
): (link: Link, user: UserIdentity, subprotocol: Subprotocol, from?: string) => void {
  let opened = 0;
  return (link, { id }, subprotocol, address = '') => {
    opened += 1;
    const user: Who = { door: door.isOperator(id) ? 'operator' : 'terminal', id };
    const from = submitterAt(address, door.node.name);
    const name = `${id.slice(0, 8)}-${opened}`;
    new Terminal(door, link, { user, from }, name, subprotocol).begin();
  };
}

class Terminal {
  readonly #node: Node;
  readonly #audited: Audited | undefined;
  readonly #link: Link;
  readonly #user: Who;
  readonly #from: string;
  /** The session's, unique on this node. */
  readonly #name: string;
  readonly #codec: typeof plainCodec;
  readonly #outbox: Outbox;
  readonly #streams: TerminalStreams | undefined;
  /** Questions of the runtime that stand for those of the terminal. */
  readonly #asked = new Set<number>();

  constructor(
    door: TerminalDoor,
    link: Link,
    { user, from }: { readonly user: Who; readonly from: string },
    name: string,
    subprotocol: Subprotocol,
  ) {
    this.#node = door.node;
    this.#audited = door.audited;
    this.#link = link;
    this.#user = user;
    this.#from = from;
    this.#name = name;
    this.#codec = subprotocol === 'swm.v1+json' ? jsonCodec : plainCodec;
    // A text frame cannot carry bytes.
    this.#streams =
      subprotocol === 'swm.v1+json'
        ? undefined
        : terminalStreams(link, user, door.node.platform.note, door.serve);
    this.#outbox = outbox({
      link: { frameBytesMax: link.frameBytesMax, send: (frame) => this.#send(frame) },
      codec: this.#codec,
      soon: (then) => void setImmediate(then),
      unsent: () => {},
    });
  }

  begin(): void {
    this.#link.onFrame((frame) => this.#hear(frame));
    this.#link.onDrain(() => this.#streams?.drained());
    this.#link.onClosed((why) => this.#closed(why));
  }

  #hear(frame: Uint8Array): void {
    if (this.#streams !== undefined && isStreamFrame(frame)) return this.#streams.hear(frame);
    const refuse = (ask: number, why: Malformed): void =>
      this.#refuse(ask, failure('malformed', why.message));
    for (const envelope of this.#codec.decode(frame, refuse)) {
      if (envelope.is !== 'call') throw new Malformed('$', `a call, not ${envelope.is}`);
      this.#call(envelope);
    }
  }

  #call({ message, ask }: Envelope & { is: 'call' }): void {
    const { name } = message;
    if (this.#asked.size >= limits.callsMax)
      return this.#refuse(ask, failure('busy', `${limits.callsMax} calls are not answered yet`));
    let id = 0;
    const answered = (answer: Answer): void => {
      this.#asked.delete(id);
      if (answer.ok) this.#outbox.push({ is: 'reply', ask, name, body: answer.body });
      else this.#refuse(ask, answer.failure);
    };
    const speaker = { user: this.#user, from: this.#from, session: this.#name };
    const told = ask === 0 ? undefined : answered;
    id = askSession(this.#node, speaker, message, told, this.#audited);
    if (id !== 0) this.#asked.add(id);
  }

  #refuse(ask: number, why: Failure): void {
    if (ask !== 0) this.#outbox.push({ is: 'refused', ask, failure: why });
  }

  /** Whoever does not read what was asked for is not waited for: others need the memory. */
  #send(frame: Uint8Array): boolean {
    if (!this.#link.send(frame)) this.#link.close('too slow: answers were not read');
    return true;
  }

  #closed(why: string): void {
    this.#streams?.closed(why);
    // What it was asked is answered by its end, to nobody.
    endSession(this.#node, this.#name);
  }
}
