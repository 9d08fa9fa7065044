import { failure } from '../protocol/errors.ts';
import type { Actor, Exit, Letter } from './actor.ts';
import type { Mailbox } from './mailbox.ts';
import type { Node } from './node.ts';

/** A child between two lives: what it was made of, and the letters that wait for the next. */
type Fallen = {
  readonly family: string;
  readonly args: unknown;
  readonly letters: Mailbox<Letter>;
};

/** The children of one actor, in the order of their births. */
export class Children {
  readonly #node: Node;
  readonly #path: string;
  readonly #heard: (event: object) => void;
  readonly #living = new Map<string, Actor>();
  readonly #fallen = new Map<string, Fallen>();

  constructor(node: Node, path: string, heard: (event: object) => void) {
    this.#node = node;
    this.#path = path;
    this.#heard = heard;
  }

  get living(): IterableIterator<Actor> {
    return this.#living.values();
  }

  get size(): number {
    return this.#living.size;
  }

  /** Makes a child, or finds it living. One that fell gets the letters that waited for it. */
  spawn(family: string, name: string, args: unknown): Actor {
    const living = this.#living.get(name);
    if (living !== undefined) return living;
    const exit = (gone: Exit, letters: Mailbox<Letter>): void => {
      if (this.#living.get(name) !== child) return this.#refuse(child, letters);
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

  /** Puts a letter aside for a child between two lives; undefined if there is no such child. */
  putAside(name: string, event: unknown): boolean | undefined {
    return this.#fallen.get(name)?.letters.push({ event, scope: -1 }, 'normal');
  }

  halt(name: string): void {
    const child = this.#living.get(name);
    this.#living.delete(name);
    const fallen = this.#fallen.get(name);
    this.#fallen.delete(name);
    if (fallen !== undefined) this.#refuse(undefined, fallen.letters);
    child?.halt('halted');
  }

  /** The youngest first. */
  haltAll(): void {
    for (const name of [...this.#living.keys()].toReversed()) this.halt(name);
    for (const name of [...this.#fallen.keys()]) this.halt(name);
  }

  /** A child that rested or stopped may have been written to meanwhile: that opens it again. */
  #repost(child: Actor, letters: Mailbox<Letter>): void {
    for (let letter = letters.shift(); letter !== undefined; letter = letters.shift())
      this.#node.routes.repost(child.path, letter.event);
  }

  #refuse(child: Actor | undefined, letters: Mailbox<Letter>): void {
    const why = failure('stopping', `${child?.path ?? this.#path} was stopped`);
    for (let letter = letters.shift(); letter !== undefined; letter = letters.shift()) {
      const { ask } = letter.event as { readonly ask?: number };
      if (ask !== undefined && ask !== 0) this.#node.asks.answer(ask, { ok: false, failure: why });
    }
  }
}
