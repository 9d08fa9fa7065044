import type { Failure } from '../../src/protocol/errors.ts';
import { failure } from '../../src/protocol/errors.ts';
import type { Message } from '../../src/protocol/messages.ts';
import { type Ref, ref } from '../../src/protocol/ref.ts';
import type { Actor } from '../../src/runtime/actor.ts';
import type { Answer } from '../../src/runtime/asks.ts';
import type { Effect, TaskTypes } from '../../src/runtime/behaviour.ts';
import { type AnyFamily, type Family, family, type Keeping } from '../../src/runtime/family.ts';
import { Node } from '../../src/runtime/node.ts';
import { pool } from '../../src/runtime/pool.ts';
import type { Cells, Change, Clock, Outcome, Store, Wire } from '../../src/runtime/ports.ts';
import { supervisor } from '../../src/runtime/supervisor.ts';

/** Time that passes only when a test says so. */
export class HandClock implements Clock {
  #now = 1_000_000;
  #timers: { readonly at: number; readonly then: () => void }[] = [];

  get waiting(): number {
    return this.#timers.length;
  }

  now(): number {
    return this.#now;
  }

  timer(ms: number, then: () => void): () => void {
    const timer = { at: this.#now + ms, then };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Fires what is due by then, in order; `between` runs after each. */
  pass(ms: number, between: () => void): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.#now = Math.max(this.#now, next.at);
      next.then();
      between();
    }
    this.#now = end;
  }
}

/** Cells that play when a test says so, in the order in which they were woken. */
export class HandCells {
  readonly #ready: (() => void)[] = [];
  plays = 0;

  readonly cells: Cells = (_, play, crashed) => {
    let scheduled = false;
    let over = false;
    const turn = (): void => {
      scheduled = false;
      if (over) return;
      this.plays++;
      try {
        if (play()) wake();
      } catch (error) {
        if (over) return;
        over = true;
        crashed(error);
      }
    };
    const wake = (): void => {
      if (scheduled || over) return;
      scheduled = true;
      this.#ready.push(turn);
    };
    const stop = (): void => {
      over = true;
    };
    return { wake, stop };
  };

  /** Plays until no cell wants a turn any more. */
  run(): void {
    for (let turn = this.#ready.shift(); turn !== undefined; turn = this.#ready.shift()) turn();
  }
}

type Commit = {
  readonly changes: readonly Change[];
  readonly then: (outcome: Outcome) => void;
};

/** A store whose commits end when a test says so: at once if `byHand` is false. */
export class HandStore implements Store {
  readonly term = 1;
  readonly values = new Map<string, Uint8Array>();
  readonly open: Commit[] = [];
  /** The keys of every commit that was asked for. */
  readonly asked: string[][] = [];
  byHand = false;
  loads = 0;

  get(key: string): Uint8Array | undefined {
    return this.values.get(key);
  }

  range(of: { from: string; to: string; limit: number }) {
    if (of.limit > 1) this.loads++;
    return [...this.values]
      .filter(([key]) => key >= of.from && key < of.to)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, of.limit);
  }

  commit(changes: readonly Change[], then: (outcome: Outcome) => void): void {
    this.asked.push(changes.map(({ key, value }) => (value === undefined ? `-${key}` : key)));
    this.open.push({ changes, then });
  }

  /** Ends the oldest commits; of an unknown one, `kept` says whether it is there all the same. */
  end(outcome: Outcome = 'committed', count = 1, kept = outcome === 'committed'): void {
    for (const { changes, then } of this.open.splice(0, count)) {
      for (const { key, value } of kept ? changes : [])
        if (value === undefined) this.values.delete(key);
        else this.values.set(key, value);
      then(outcome);
    }
  }

  async close(): Promise<void> {}
}

/** What the toy is: whatever a test gives it, with a phase. */
export type Toy = {
  readonly phase: string;
  readonly round?: number;
  readonly [key: string]: unknown;
};
export type Out = Effect<{ readonly is: string }, TaskTypes>;
/** What a letter makes of the toy. */
export type Play = (state: Toy, ask: number) => readonly [state: Toy, effects: readonly Out[]];

/** A letter that says itself what it does; its name is of the table, and nothing else. */
export const letter = (play: Play, name = 'job.create'): Message =>
  ({ name, body: { play } }) as unknown as Message;

/** Bytes that are text, and text that is the part. */
export const keeping: Keeping<Toy> = {
  scope: 'node',
  split: ({ phase, round, ...parts }) => ({ head: `${phase} ${round ?? ''}`, ...parts }),
  join: ({ head, ...parts }) => {
    const [phase = '', round] = String(head).split(' ');
    return { ...parts, phase, ...(round ? { round: Number(round) } : {}) };
  },
  encode: (_, value) => new TextEncoder().encode(JSON.stringify(value)),
  decode: (_, bytes) => JSON.parse(new TextDecoder().decode(bytes)),
  index: (state, path) => (state['live'] === true ? [`live${path}`] : []),
};

export type ToyOptions = {
  readonly init?: Toy;
  readonly enter?: (state: Toy) => readonly Out[];
  readonly tasks?: AnyFamily['tasks'];
  readonly keeping?: Keeping<Toy>;
  readonly rests?: (state: Toy) => boolean;
  readonly heard?: (event: object, now: number) => void;
  readonly hears?: readonly string[];
  /** What a letter does that does not say so itself. */
  readonly play?: Play;
  readonly pool?: AnyFamily['pool'];
};

/** A family that does what its letters say, and remembers nothing of what else it hears. */
export function toy(options: ToyOptions = {}): AnyFamily {
  const { init = { phase: 'on' }, enter = () => [], heard = () => {}, tasks = {} } = options;
  return family({
    behaviour: {
      init: () => init,
      enter,
      on: (state: Toy, event: { readonly is: string }, now: number) => {
        heard(event, now);
        if (event.is !== 'told') return [state, []];
        const told = event as unknown as { message: { body: { play?: Play } }; ask: number };
        const { play = options.play } = told.message.body;
        return play?.(state, told.ask) ?? [state, []];
      },
    },
    hears: (options.hears ?? ['job.create', 'job.report']) as never,
    tasks,
    ...(options.keeping ? { keeping: options.keeping } : {}),
    ...(options.rests ? { rests: options.rests } : {}),
    ...(options.pool ? { pool: options.pool } : {}),
  } as never as Family<unknown, Toy, never, never, never>);
}

export const supervisors = family({ behaviour: supervisor, hears: [], tasks: {} });

export const pools = (of: string, openedBy: readonly string[] = []): AnyFamily =>
  family({
    behaviour: pool,
    hears: [],
    tasks: {},
    pool: {
      family: of,
      openedBy: openedBy as never,
      unknown: (name: string): Failure => failure('not_found', `no ${name}`),
    },
  });

/** One node whose clock, cells and disk a test holds in its hands. */
export class Lab {
  readonly clock = new HandClock();
  readonly hands = new HandCells();
  readonly store = new HandStore();
  readonly notes: string[] = [];
  readonly answers: Answer[] = [];
  readonly node: Node;
  readonly name: string;

  constructor(families: Readonly<Record<string, AnyFamily>>, name = 'a', wire: Wire = nowhere) {
    this.name = name;
    this.node = new Node(name, families, {
      clock: this.clock,
      cells: this.hands.cells,
      stores: { control: this.store, node: this.store },
      wire,
      note: (level, path, text) => this.notes.push(`${level} ${path} ${text}`),
      leader: () => undefined,
    });
  }

  /** Plays, and ends commits unless they are ended by hand, until nothing is left to do. */
  async run(): Promise<void> {
    for (let idle = 0; idle < 3; idle++) {
      this.hands.run();
      while (!this.store.byHand && this.store.open.length > 0) {
        this.store.end();
        this.hands.run();
        idle = 0;
      }
      await Promise.resolve();
    }
  }

  /** Lets time pass, and everything happen that it brings. */
  async pass(ms: number): Promise<void> {
    await this.run();
    this.clock.pass(ms, () => {
      this.hands.run();
      while (!this.store.byHand && this.store.open.length > 0) this.store.end();
      this.hands.run();
    });
    await this.run();
  }

  open(family: string, path: string, args: unknown = undefined): Actor {
    return this.node.open(family, path, args, () => {});
  }

  at(path: string): Ref {
    return ref(this.name, path);
  }

  tell(path: string, play: Play, name = 'job.create'): void {
    this.node.routes.tell(this.at(path), letter(play, name), { door: 'local', id: 'test' });
  }

  /** Asks; the answer goes to `answers`. */
  ask(path: string, play: Play, ms = 1_000, name = 'job.create'): number {
    const take = (answer: Answer): void => void this.answers.push(answer);
    const who = { door: 'local', id: 'test' } as const;
    return this.node.routes.ask(this.at(path), letter(play, name), ms, who, take);
  }
}

const nowhere: Wire = { send: () => false };
