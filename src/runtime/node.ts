import { Actor, type Exit } from './actor.ts';
import { Asks } from './asks.ts';
import type { AnyFamily, Families } from './family.ts';
import type { Mailbox } from './mailbox.ts';
import type { Cells, Clock, Note, Store, Wire } from './ports.ts';
import { Routes } from './routes.ts';
import { Traces } from './traces.ts';

/** What a node lends its actors; the simulator lends a faster clock and a worse disk and wire. */
export interface Platform {
  readonly clock: Clock;
  readonly cells: Cells;
  readonly stores: { readonly control: Store; readonly node: Store };
  readonly wire: Wire;
  readonly note: Note;
  /** The node that leads as far as this one knows, or undefined. */
  leader(): string | undefined;
}

/** A node: its actors, the questions between them, and the ways to other nodes. */
export class Node {
  readonly name: string;
  readonly families: Families;
  readonly platform: Platform;
  readonly asks: Asks;
  readonly routes: Routes;
  readonly traces = new Traces();

  constructor(name: string, families: Families, platform: Platform) {
    this.name = name;
    this.families = families;
    this.platform = platform;
    this.asks = new Asks(platform.clock);
    this.routes = new Routes(this);
  }

  /** Begins a life; whoever calls is its parent, and hears of its end. */
  open(
    family: string,
    path: string,
    args: unknown,
    exit: (exit: Exit, letters: Mailbox) => void,
  ): Actor {
    const actor = new Actor(this, this.familyOf(family), path, args, exit);
    this.routes.born(actor);
    return actor;
  }

  familyOf(name: string): AnyFamily {
    const family = this.families[name];
    if (family === undefined) throw new Error(`no family ${name}`);
    return family;
  }
}
