import type { Envelope } from '../protocol/envelope.ts';

/** Milliseconds since the epoch, or a span of them. */
export type Millis = number;
export type Cancel = () => void;

/** Time as actors see it; the simulator lends another. */
export interface Clock {
  /** Wall time that never goes back within one life of the node. */
  now(): Millis;
  timer(ms: Millis, then: () => void): Cancel;
}

/** One put, or one delete where `value` is undefined. Values are copied or kept, never changed. */
export type Change = { readonly key: string; readonly value: Uint8Array | undefined };

/** A commit is durable, or nobody knows; it is never known to have failed. */
export type Outcome = 'committed' | 'unknown';

export type Range = {
  /** First key, inclusive. */
  readonly from: string;
  /** End key, exclusive. */
  readonly to: string;
  readonly limit: number;
  /** From the last to the first. */
  readonly reverse?: boolean;
};

/** An ordered map of keys to bytes, as far as it is applied. Keys are ordered by UTF-8 bytes. */
export interface Records {
  get(key: string): Uint8Array | undefined;
  range(range: Range): readonly (readonly [key: string, value: Uint8Array])[];
}

/** Records that are changed by batches. */
export interface Store extends Records {
  /** The term under which this store takes commits; it grows with every leader. */
  readonly term: number;
  /**
   * Takes a batch: all of it or nothing is applied, batches in the order of the calls. `then` is
   * called once, later, in the same order. After one `unknown`, all further ones are `unknown`.
   */
  commit(changes: readonly Change[], then: (outcome: Outcome) => void): void;
  close(): Promise<void>;
}

/** What carries envelopes to other nodes. False: no link, or its outbox is full. */
export interface Wire {
  send(node: string, envelope: Envelope): boolean;
}

/** Gives one actor its turns. `wake` asks for one later `play`; after `stop` there are none. */
export interface Cell {
  wake(): void;
  stop(): void;
}

/**
 * Makes a cell. `play` returns true if it wants another turn at once. If it throws, the cell plays
 * no more and `crashed` is called.
 */
export type Cells = (name: string, play: () => boolean, crashed: (error: unknown) => void) => Cell;

export type Level = 'debug' | 'info' | 'warn' | 'error';
/** A structured line of the log: `path` is the actor's. */
export type Note = (level: Level, path: string, text: string, fields?: object) => void;
/** Gives the level below which notes are dropped, from now on another if one is given. */
export type LogLevel = (wanted?: Level) => Level;
