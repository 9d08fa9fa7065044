import type { Envelope } from '../protocol/envelope.ts';
import { type Failure, failure } from '../protocol/errors.ts';
import { addressee, type Message, welcome } from '../protocol/messages.ts';
import { LEADER, type Ref, split } from '../protocol/ref.ts';
import type { Who } from '../protocol/who.ts';
import type { Actor } from './actor.ts';
import type { Answer } from './asks.ts';
import type { Taker } from './children.ts';
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
  /** A node may have several trees, whose roots all have the empty path. */
  readonly #roots = new Set<Actor>();

  constructor(node: Node) {
    this.#node = node;
    this.watches = new Watches(node, (path) => this.#live.has(path));
  }

  get size(): number {
    return this.#live.size;
  }

  /** For whoever looks inside a node. */
  get living(): IterableIterator<Actor> {
    return this.#live.values();
  }

  find(path: string): Actor | undefined {
    return this.#live.get(path);
  }

  born(actor: Actor): void {
    this.#live.set(actor.path, actor);
    if (actor.path === '') this.#roots.add(actor);
  }

  ended(actor: Actor, why: string): void {
    if (this.#live.get(actor.path) === actor) this.#live.delete(actor.path);
    this.#roots.delete(actor);
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
    const { asks } = this.#node;
    const node = this.#nodeOf(to);
    const ask = asks.open(node ?? '', message.name, ms, then);
    if (ask === 0) return 0;
    const why = this.#put(node, to.path, message, ask, who);
    if (why !== undefined) asks.answer(ask, { ok: false, failure: why });
    return asks.isOpen(ask) ? ask : 0;
  }

  watch(who: Ref, then: (why: string) => void): Cancel {
    const node = this.#nodeOf(who);
    if (node === this.#node.name) return this.watches.local(who.path, then);
    return this.watches.remote(node, who.path, then);
  }

  /** Gives a letter of an ended life to whoever has its name now. */
  repost(path: string, event: object): void {
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

  /**
   * A link is down: whoever waits for that node is told, and what it had asked is answered no more.
   * Called before another link to it is used: the numbers of questions are good for one link.
   */
  unlinked(node: string): void {
    const { asks } = this.#node;
    asks.dropAll(waitingPeer(node));
    asks.fail(node, failure('unreachable', `the link to ${node} is down`));
    this.watches.unlinked(node);
  }

  /** Another node leads: what was asked of the one before may never be answered. */
  deposed(node: string): void {
    const why = failure('unknown_outcome', `${node} leads no more, and may not have heard it`);
    this.#node.asks.fail(node, why);
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
    const forPeer = waitingPeer(from.id);
    const id = ask === 0 ? 0 : asks.open(forPeer, message.name, Number.POSITIVE_INFINITY, answer);
    if (ask !== 0 && id === 0) return;
    const by = speaker(from, who);
    const why = this.#allowed(from, by, to, message)
      ? this.#deliver(to, { is: 'told', message, ask: id, who: by })
      : failure('forbidden', `${message.name} may not come to ${to} from a ${from.door}`);
    if (why !== undefined && id !== 0) asks.answer(id, { ok: false, failure: why });
  }

  #allowed(from: Who, by: Who, to: string, { name, body }: Message): boolean {
    return (welcome(name, from.door) || welcome(name, by.door)) && addressee(name, body) === to;
  }

  #put(
    node: string | undefined,
    path: string,
    message: Message,
    ask: number,
    who: Who,
  ): Failure | undefined {
    if (node === this.#node.name) return this.#deliver(path, { is: 'told', message, ask, who });
    const { wire } = this.#node.platform;
    if (node !== undefined && wire.send(node, { is: 'call', to: path, ask, message, who }))
      return undefined;
    return failure('unreachable', node === undefined ? 'nobody leads now' : `no link to ${node}`);
  }

  #deliver(path: string, told: ToldEvent): Failure | undefined {
    const found = this.#live.get(path) ?? this.#activate(path, told);
    if ('code' in found) return found;
    if (!found.family.hears.includes(told.message.name))
      return failure('wrong_phase', `${path} does not understand ${told.message.name}`);
    return found.post(told) ? undefined : failure('busy', `the mailbox of ${path} is full`);
  }

  /** Who takes letters for a name that has no life now: it may rest, or be between two lives. */
  #activate(path: string, told: ToldEvent): Taker | Failure {
    const { pool: poolPath, name } = split(path);
    const owner = this.#rootOver(poolPath, name) ?? this.#live.get(poolPath);
    if (owner === undefined || owner.isOver)
      return failure('unreachable', `nobody is at ${poolPath} now`);
    const fallen = owner.children.fallen(name);
    if (fallen !== undefined) return fallen;
    // A tree that is being put up will have it, here or where another head leads.
    if (poolPath === '') return failure('unreachable', `nobody is at ${path} now`);
    const { pool } = owner.family;
    if (pool === undefined) return failure('not_found', `nobody is at ${path}`);
    if (!pool.openedBy.includes(told.message.name) && !this.#isKept(pool.family, path))
      return pool.unknown(name);
    return owner.children.spawn(pool.family, name, told.message.body);
  }

  #rootOver(pool: string, name: string): Actor | undefined {
    if (pool !== '') return undefined;
    for (const root of this.#roots) if (root.children.fallen(name) !== undefined) return root;
    return undefined;
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

/** Questions that a peer put to actors of this node; no node's own name begins so. */
const waitingPeer = (node: string): string => `<${node}`;
