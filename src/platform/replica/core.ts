import type { Effect, Event } from '../../consensus/events.ts';
import type { Dice } from '../../consensus/messages.ts';
import type { Monotonic } from '../../consensus/model.ts';
import { step } from '../../consensus/raft.ts';
import type { Raft } from '../../consensus/state.ts';
import { Malformed } from '../../protocol/errors.ts';
import type { Note } from '../../runtime/ports.ts';
import type { ChangeThen } from './changes.ts';
import type { Batch } from './leadership.ts';

/** Who hears of what an event leads to. */
export type Asker = { readonly batches?: readonly Batch[]; readonly tell?: ChangeThen };

export type CoreHost = {
  readonly monotonic: () => Monotonic;
  readonly dice: Dice;
  readonly note: Note;
  readonly perform: (effect: Effect, asker: Asker) => void;
  /** Events were played. */
  readonly stepped: () => void;
  /** Two heads broke the rules, or this one has a bug: it cannot go on. */
  readonly failed: (why: string) => void;
};

/** Plays events one after the other; those that come of effects wait their turn. */
export class Core {
  readonly #host: CoreHost;
  readonly #events: (readonly [Event, Asker])[] = [];
  #raft: Raft;
  #stepping = false;
  #stopped = false;

  constructor(raft: Raft, host: CoreHost) {
    this.#raft = raft;
    this.#host = host;
  }

  get raft(): Raft {
    return this.#raft;
  }

  /** Plays no more. */
  stop(): void {
    this.#stopped = true;
    this.#events.length = 0;
  }

  take(event: Event, asker: Asker = {}): void {
    if (this.#stopped) return;
    this.#events.push([event, asker]);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#events.shift(); next; next = this.#events.shift()) this.#step(...next);
    } catch (error) {
      this.stop();
      const why = error instanceof Error ? error.message : String(error);
      this.#host.note('error', '/raft', why, { error });
      this.#host.failed(why);
    } finally {
      this.#stepping = false;
    }
    this.#host.stepped();
  }

  #step(event: Event, asker: Asker): void {
    const { monotonic, dice, note, perform } = this.#host;
    try {
      const [raft, effects] = step(this.#raft, event, monotonic(), dice);
      this.#raft = raft;
      for (const effect of effects) perform(effect, asker);
    } catch (error) {
      if (event.kind !== 'heard' || !(error instanceof Malformed)) throw error;
      note('warn', '/raft', error.message, { from: event.from, kind: event.message.kind });
    }
  }
}
