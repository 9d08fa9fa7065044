import { failure } from '../protocol/errors.ts';
import type { Actor, Exit } from './actor.ts';
import type { AnyFamily } from './family.ts';
import type { Mailbox } from './mailbox.ts';
import type { Node } from './node.ts';

/** Whoever takes letters for a name: a life, or the place where they wait for the next. */
export type Taker = {
  readonly family: AnyFamily;
  /** False: there is no room. */
  post(event: object): boolean;
};

type Origin = { readonly family: string; readonly args: unknown };

/** A child between two lives: what it was made of, and the letters that wait for the next. */
type Fallen = Origin & { readonly letters: Mailbox };

/** A halted child that has saves in flight; the next life of its name waits until they ended. */
type Leaving = { readonly child: Actor; readonly keep: boolean; next: Origin | undefined };

/** The children of one actor, in the order of their births. */
export class Children {
  readonly #node: Node;
  readonly #path: string;
  readonly #heard: (event: object) => void;
  readonly #emptied: () => void;
  readonly #living = new Map<string, Actor>();
  readonly #leaving = new Map<string, Leaving>();
  readonly #fallen = new Map<string, Fallen>();

  /** `emptied` is called whenever the last child that was halted is gone. */
  constructor(node: Node, path: string, heard: (event: object) => void, emptied: () => void) {
    this.#node = node;
    this.#path = path;
    this.#heard = heard;
    this.#emptied = emptied;
  }

  get size(): number {
    return this.#living.size;
  }

  /** For whoever looks inside a node. */
  get living(): IterableIterator<Actor> {
    return this.#living.values();
  }

  names(): readonly string[] {
    return [...this.#living.keys()];
  }

  /** Whether nothing of any child is left, not even a save on its way. */
  get areGone(): boolean {
    return this.#living.size === 0 && this.#leaving.size === 0;
  }

  /**
   * Makes a child, or finds it living. One that fell gets the letters that waited for it. One that
   * is leaving is opened again once it is gone; until then it is the one that takes the letters.
   */
  spawn(family: string, name: string, args: unknown): Actor {
    const living = this.#living.get(name);
    if (living !== undefined) return living;
    const leaving = this.#leaving.get(name);
    if (leaving !== undefined) {
      leaving.next = { family, args };
      return leaving.child;
    }
    const exit = (gone: Exit, letters: Mailbox): void => {
      if (this.#living.get(name) !== child) return this.#left(name, { family, args, letters });
      this.#living.delete(name);
      if (gone.crashed) this.#fallen.set(name, { family, args, letters });
      else this.#repost(child, letters);
      this.#heard({ is: 'exited', name, crashed: gone.crashed, why: gone.why });
    };
    const child: Actor = this.#node.open(family, `${this.#path}/${name}`, args, exit);
    this.#living.set(name, child);
    const fallen = this.#fallen.get(name);
    this.#fallen.delete(name);
    if (fallen !== undefined) child.inherit(fallen.letters);
    return child;
  }

  /** Gives a fallen child its next life. */
  respawn(name: string): void {
    const fallen = this.#fallen.get(name);
    if (fallen !== undefined) this.spawn(fallen.family, name, fallen.args);
  }

  /** Takes letters for a child between two lives. */
  fallen(name: string): Taker | undefined {
    const fallen = this.#fallen.get(name);
    return fallen && this.#taker(fallen);
  }

  /** Ends a child; its letters are refused, unless they are kept for a next life. */
  halt(name: string, keep = false): void {
    const child = this.#living.get(name);
    if (child !== undefined) {
      this.#living.delete(name);
      this.#leaving.set(name, { child, keep, next: undefined });
      return child.halt('halted');
    }
    if (keep) return;
    const fallen = this.#fallen.get(name);
    this.#fallen.delete(name);
    if (fallen !== undefined) this.#refuse(name, fallen.letters);
    const leaving = this.#leaving.get(name);
    if (leaving !== undefined) this.#leaving.set(name, { ...leaving, keep, next: undefined });
  }

  /** The youngest first. */
  haltAll(): void {
    for (const name of [...this.#living.keys()].toReversed()) this.halt(name);
    for (const name of [...this.#leaving.keys(), ...this.#fallen.keys()]) this.halt(name);
  }

  /** A halted child is gone. */
  #left(name: string, last: Fallen): void {
    const leaving = this.#leaving.get(name);
    this.#leaving.delete(name);
    const next = leaving?.next;
    if (leaving?.keep || next !== undefined) this.#fallen.set(name, last);
    else this.#refuse(name, last.letters);
    if (next !== undefined) this.spawn(next.family, name, next.args);
    if (this.areGone) this.#emptied();
  }

  #taker({ family, letters }: Fallen): Taker {
    return {
      family: this.#node.familyOf(family),
      post: (event) => letters.push(event),
    };
  }

  /** A child that rested or stopped may have been written to meanwhile: that opens it again. */
  #repost(child: Actor, letters: Mailbox): void {
    for (let event = letters.shift(); event !== undefined; event = letters.shift())
      this.#node.routes.repost(child.path, event);
  }

  #refuse(name: string, letters: Mailbox): void {
    const why = failure('stopping', `${this.#path}/${name} was stopped`);
    for (let event = letters.shift(); event !== undefined; event = letters.shift()) {
      const { ask } = event as { readonly ask?: number };
      if (ask !== undefined && ask !== 0) this.#node.asks.answer(ask, { ok: false, failure: why });
    }
  }
}
