import { failure } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Who } from '../protocol/who.ts';
import { type Effect, type Phased, type TaskTypes, turn } from './behaviour.ts';
import { Children } from './children.ts';
import type { AnyFamily } from './family.ts';
import { ANY_SCOPE, Mailbox } from './mailbox.ts';
import type { Node } from './node.ts';
import { brief, explain, perform } from './perform.ts';
import type { Cell, Change, Millis, Outcome, Store } from './ports.ts';
import { changes, type Kept, load, NOTHING_KEPT } from './record.ts';
import { Scope } from './scope.ts';

export type Exit = { readonly crashed: boolean; readonly why: string };
export type AnyEffect = Effect<unknown, TaskTypes>;

/** What a turn asked for, until its save and all saves before it are durable. */
type Held = { readonly effects: readonly AnyEffect[]; readonly scope: number; durable: boolean };

const NOTHING: readonly Change[] = [];
const BEGIN = { is: 'begin' } as const;

/**
 * One life of one actor. A letter is a turn; a turn that changed the state is saved; what it asked
 * for is performed once it is durable, in the order of the turns, while later letters are played.
 */
export class Actor {
  readonly path: string;
  readonly family: AnyFamily;
  readonly node: Node;
  readonly who: Who;
  readonly children: Children;
  readonly scope = new Scope();
  /** Questions that were put to this actor and not yet answered. */
  readonly asked = new Set<number>();
  readonly #args: unknown;
  readonly #exit: (exit: Exit, letters: Mailbox) => void;
  readonly #store: Store | undefined;
  readonly #letters = new Mailbox(limits.mailboxMax);
  readonly #cell: Cell;
  readonly #held: Held[] = [];
  #state: Phased | undefined;
  #kept: Kept = NOTHING_KEPT;
  #saving = 0;
  #over: Exit | undefined;
  #ended = false;
  #gone = false;

  constructor(
    node: Node,
    family: AnyFamily,
    path: string,
    args: unknown,
    exit: (exit: Exit, letters: Mailbox) => void,
  ) {
    this.node = node;
    this.path = path;
    this.family = family;
    this.who = { door: 'local', id: path };
    this.children = new Children(
      node,
      path,
      (event) => this.hear(event, ANY_SCOPE),
      () => this.#goneWhenSaved(),
    );
    this.#args = args;
    this.#exit = exit;
    this.#store = family.keeping && node.platform.stores[family.keeping.scope];
    this.#cell = node.platform.cells(
      path,
      () => this.#play(),
      (error) => this.#crash(error),
    );
    this.hear(BEGIN, ANY_SCOPE);
  }

  /** The state as it stands, saved or not; for whoever looks inside a node. */
  get state(): Phased | undefined {
    return this.#state;
  }

  get waiting(): number {
    return this.#letters.size;
  }

  get isOver(): boolean {
    return this.#over !== undefined;
  }

  /** False: the mailbox is full. What an ending actor is told waits for its next life. */
  post(event: object): boolean {
    if (this.#gone) return false;
    const taken = this.#letters.push(event);
    if (this.#over === undefined) this.#cell.wake();
    return taken;
  }

  /** Takes an answer to what this life began, unless the phase that wants it was left. */
  hear(event: object, scope: number): void {
    if (this.#over !== undefined) return;
    this.#letters.pushSystem({ event, scope });
    this.#cell.wake();
  }

  /** Takes over what the life before was told; what it asked for itself is strange to this one. */
  inherit(letters: Mailbox): void {
    this.#letters.takeNormal(letters);
    this.#cell.wake();
  }

  halt(why: string): void {
    this.#end(false, why);
  }

  #play(): boolean {
    // Reading the clock costs as much as a turn: the letters of one play share an instant.
    const now = this.node.platform.clock.now();
    for (let played = 0; played < limits.drainMax; played++) {
      if (this.#over !== undefined || this.#saving >= limits.savesInFlightMax) return false;
      const letter = this.#letters.shiftSystem();
      const event = letter === undefined ? this.#letters.shift() : letter.event;
      if (event === undefined) {
        this.#rest();
        return false;
      }
      if (event === BEGIN) this.#begin(now);
      else if (letter === undefined) this.#turn(event, now);
      else if (letter.scope === this.scope.id || letter.scope === ANY_SCOPE) this.#turn(event, now);
    }
    return this.#letters.size > 0;
  }

  #turn(event: object, now: Millis): void {
    const { ask } = event as { readonly ask?: number };
    if (ask !== undefined && ask !== 0) this.asked.add(ask);
    const before = this.#state as Phased;
    const { state, effects, moved } = turn(this.family.behaviour, before, event as never, now);
    this.#state = state;
    this.#traced(event, before, effects, now);
    if (moved) this.scope.leave();
    this.#hold(effects, state !== before);
  }

  #begin(now: Millis): void {
    const { keeping, behaviour } = this.family;
    const found = keeping && this.#store ? load(this.#store, keeping, this.path) : undefined;
    if (found !== undefined) this.#kept = found.kept;
    this.#state = found?.state ?? behaviour.init(this.#args, now);
    const effects = behaviour.enter(this.#state, now);
    this.#traced(BEGIN, undefined, effects, now);
    this.#hold(effects, found === undefined);
  }

  #traced(
    event: object,
    before: Phased | undefined,
    effects: readonly AnyEffect[],
    at: Millis,
  ): void {
    const { traces } = this.node;
    if (traces.isIdle) return;
    traces.played(this.path, { at, event, before, state: this.#state as Phased, effects });
  }

  #hold(effects: readonly AnyEffect[], changed: boolean): void {
    const scope = this.scope.id;
    const writes = changed ? this.#writes() : NOTHING;
    if (writes.length > 0) {
      const held = { effects, scope, durable: false };
      this.#held.push(held);
      this.#saving++;
      this.#store?.commit(writes, (outcome) => this.#saved(held, outcome));
    } else if (effects.length > 0) {
      if (this.#held.length === 0) this.#perform(effects, scope);
      else this.#held.push({ effects, scope, durable: true });
    }
  }

  /** What a save of the state as it is now must write. */
  #writes(): readonly Change[] {
    const { keeping } = this.family;
    if (keeping === undefined) return NOTHING;
    const write = changes(keeping, this.path, this.#kept, this.#state as Phased);
    this.#kept = write.kept;
    return write.changes;
  }

  #saved(held: Held, outcome: Outcome): void {
    this.#saving--;
    if (this.#over !== undefined) return this.#goneWhenSaved();
    if (outcome === 'unknown')
      return this.#crash(new Error('nobody knows whether its last save was kept'));
    held.durable = true;
    while (this.#over === undefined && this.#held[0]?.durable) {
      const { effects, scope } = this.#held.shift() as Held;
      this.#perform(effects, scope);
    }
    if (this.#over === undefined) this.#cell.wake();
  }

  #perform(effects: readonly AnyEffect[], scope: number): void {
    try {
      for (const effect of effects) {
        if (this.#over !== undefined) return;
        if (effect.do === 'stop' && scope === this.scope.id) return this.#end(false, effect.why);
        perform(this, effect, scope);
      }
    } catch (error) {
      this.#crash(error);
    }
  }

  /** Lets go of an actor whose state needs nobody awake, and that waits for nothing. */
  #rest(): void {
    if (this.#state === undefined || this.#held.length > 0 || this.scope.size > 0) return;
    if (this.asked.size > 0 || !this.family.rests?.(this.#state)) return;
    this.#end(false, 'rests');
  }

  /** The log gets all that is known of a bug; others only hear what it was. */
  #crash(error: unknown): void {
    if (this.#over !== undefined) return;
    this.node.platform.note('error', this.path, `crashed: ${explain(error)}`);
    this.#end(true, brief(error));
  }

  /** Children first, the youngest first. Whoever waits for an answer is told at once. */
  #end(crashed: boolean, why: string): void {
    if (this.#over !== undefined) return;
    this.#over = { crashed, why };
    this.#cell.stop();
    this.scope.leave();
    this.children.haltAll();
    const code = this.#held.length > 0 ? 'unknown_outcome' : crashed ? 'bug' : 'stopping';
    const reason = failure(code, `${this.path} ended: ${why}`, true);
    this.#held.length = 0;
    const asked = [...this.asked];
    this.asked.clear();
    for (const ask of asked) this.node.asks.answer(ask, { ok: false, failure: reason });
    this.#ended = true;
    this.#goneWhenSaved();
  }

  /** The next life may load only when the last save of this one, and of its children, has ended. */
  #goneWhenSaved(): void {
    if (!this.#ended || this.#gone || this.#saving > 0 || !this.children.areGone) return;
    this.#gone = true;
    const over = this.#over as Exit;
    this.node.routes.ended(this, over.why);
    this.#exit(over, this.#letters);
  }
}
