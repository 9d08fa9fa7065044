import type { Envelope } from '../protocol/envelope.ts';
import { type Failure, failure } from '../protocol/errors.ts';
import { addressee, type Message, type Name, welcome } from '../protocol/messages.ts';
import { LEADER, type Ref, split } from '../protocol/ref.ts';
import type { Who } from '../protocol/who.ts';
import type { Actor } from './actor.ts';
import type { Answer } from './asks.ts';
import type { Node } from './node.ts';
import type { Cancel, Millis } from './ports.ts';
import { isKept } from './record.ts';
import { Watches } from './watches.ts';

type ToldEvent = {
  readonly is: 'told';
  readonly message: Message;
  readonly ask: number;
  readonly who: Who;
};

/** Brings messages to actors, wherever they live, and opens those that rest by their name. */
export class Routes {
  readonly watches: Watches;
  readonly #node: Node;
  readonly #live = new Map<string, Actor>();

  constructor(node: Node) {
    this.#node = node;
    this.watches = new Watches(node, (path) => this.#live.has(path));
  }

  get size(): number {
    return this.#live.size;
  }

  find(path: string): Actor | undefined {
    return this.#live.get(path);
  }

  born(actor: Actor): void {
    this.#live.set(actor.path, actor);
  }

  ended(actor: Actor, why: string): void {
    if (this.#live.get(actor.path) === actor) this.#live.delete(actor.path);
    this.watches.ended(actor.path, why);
  }

  tell(to: Ref, message: Message, who: Who): void {
    const node = this.#nodeOf(to);
    if (node === this.#node.name) {
      const why = this.#deliver(to.path, { is: 'told', message, ask: 0, who });
      if (why !== undefined)
        this.#node.platform.note('debug', to.path, 'undeliverable', { name: message.name, why });
      return;
    }
    if (node !== undefined)
      this.#node.platform.wire.send(node, { is: 'call', to: to.path, ask: 0, message, who });
  }

  /** Puts a question; the answer comes once. Returns 0 if it was answered at once. */
  ask(to: Ref, message: Message, ms: Millis, who: Who, then: (answer: Answer) => void): number {
    const { asks, platform } = this.#node;
    const node = this.#nodeOf(to);
    const ask = asks.open(node ?? '', message.name, ms, then);
    if (ask === 0) return 0;
    const why = this.#put(node, to.path, message, ask, who, platform.wire.send);
    if (why !== undefined) asks.answer(ask, { ok: false, failure: why });
    return asks.isOpen(ask) ? ask : 0;
  }

  watch(who: Ref, then: (why: string) => void): Cancel {
    const node = this.#nodeOf(who);
    if (node === this.#node.name) return this.watches.local(who.path, then);
    return this.watches.remote(node, who.path, then);
  }

  /** Gives a letter of an ended life to whoever has its name now. */
  repost(path: string, event: unknown): void {
    const told = event as ToldEvent;
    if (told.is !== 'told') return;
    const why = this.#deliver(path, told);
    if (why !== undefined && told.ask !== 0)
      this.#node.asks.answer(told.ask, { ok: false, failure: why });
  }

  /** Takes what came over a link. `who` is the certificate's word for the node at its other end. */
  receive(who: Who, envelope: Envelope): void {
    const { asks } = this.#node;
    switch (envelope.is) {
      case 'call':
        return this.#receiveCall(who, envelope);
      case 'reply':
        if (asks.wasAsked(envelope.ask, who.id, envelope.name))
          asks.answer(envelope.ask, { ok: true, body: envelope.body });
        return;
      case 'refused':
        if (asks.wasAsked(envelope.ask, who.id))
          asks.answer(envelope.ask, { ok: false, failure: envelope.failure });
        return;
      default:
        return this.watches.receive(who.id, envelope);
    }
  }

  /** A node cannot be reached any more: whoever waits for it is told. */
  unlinked(node: string): void {
    this.#node.asks.fail(node, failure('unreachable', `the link to ${node} is down`));
    this.watches.unlinked(node);
  }

  #receiveCall(from: Who, { to, ask, message, who }: Envelope & { is: 'call' }): void {
    const { asks, platform } = this.#node;
    const answer = (a: Answer): void => {
      platform.wire.send(
        from.id,
        a.ok
          ? { is: 'reply', ask, name: message.name, body: a.body }
          : { is: 'refused', ask, failure: a.failure },
      );
    };
    const id = ask === 0 ? 0 : asks.open('', message.name, Number.POSITIVE_INFINITY, answer);
    const why = this.#allowed(from, to, message)
      ? this.#deliver(to, { is: 'told', message, ask: id, who: speaker(from, who) })
      : failure('forbidden', `${message.name} may not come to ${to} from a ${from.door}`);
    if (why !== undefined && id !== 0) asks.answer(id, { ok: false, failure: why });
  }

  #allowed(from: Who, to: string, message: Message): boolean {
    return welcome(message.name, from.door) && addressee(message.name, message.body) === to;
  }

  #put(
    node: string | undefined,
    path: string,
    message: Message,
    ask: number,
    who: Who,
    send: (node: string, envelope: Envelope) => boolean,
  ): Failure | undefined {
    if (node === this.#node.name) return this.#deliver(path, { is: 'told', message, ask, who });
    if (node !== undefined && send(node, { is: 'call', to: path, ask, message, who }))
      return undefined;
    return failure('unreachable', node === undefined ? 'nobody leads now' : `no link to ${node}`);
  }

  #deliver(path: string, told: ToldEvent): Failure | undefined {
    const actor = this.#live.get(path) ?? this.#activate(path, told);
    if (actor === 'aside') return undefined;
    if (!('post' in actor)) return actor;
    if (!actor.family.hears.includes(told.message.name))
      return failure('wrong_phase', `${path} does not understand ${told.message.name}`);
    return actor.post(told) ? undefined : failure('busy', `the mailbox of ${path} is full`);
  }

  /** Opens an actor that rests, or one that this very message makes. */
  #activate(path: string, told: ToldEvent): Actor | Failure | 'aside' {
    const { pool: poolPath, name } = split(path);
    const owner = this.#live.get(poolPath);
    const pool = owner?.family.pool;
    if (owner === undefined || pool === undefined || owner.isOver)
      return failure('not_found', `nobody is at ${path}`);
    const aside = owner.children.putAside(name, told);
    if (aside !== undefined)
      return aside ? 'aside' : failure('busy', `the mailbox of ${path} is full`);
    if (!pool.openedBy.includes(told.message.name) && !this.#isKept(pool.family, path))
      return pool.unknown(name);
    return owner.children.spawn(pool.family, name, told.message.body);
  }

  #isKept(family: string, path: string): boolean {
    const scope = this.#node.families[family]?.keeping?.scope;
    return scope !== undefined && isKept(this.#node.platform.stores[scope], path);
  }

  #nodeOf(to: Ref): string | undefined {
    return to.node === LEADER ? this.#node.platform.leader() : to.node;
  }
}

/** A head may speak for a terminal of its own; everybody else speaks for themselves. */
const speaker = (from: Who, who: Who | undefined): Who =>
  from.door === 'head' && who !== undefined && who.door !== 'local' ? who : from;

export type { Name };
