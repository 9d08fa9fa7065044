import { Failed, type Failure, failure } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Codec } from '../protocol/wire/frame.ts';
import { Line } from './line.ts';
import type { Socket } from './socket.ts';
import { Timers } from './timers.ts';

export type LinesOptions = {
  /** Opens a socket to one of the heads, by its number. */
  readonly open: (head: number) => Promise<Socket>;
  readonly heads: number;
  readonly codec: Codec;
  /** Told when there is a connection, and when the last is lost or none could be made. */
  readonly onState: (up: boolean, why: string) => void;
};

type Waiting = { readonly done: (line: Line) => void; readonly failed: (why: Failed) => void };

/** Dialling again does not help with these: whoever waits is told at once. */
const hopeless: readonly unknown[] = ['unauthorized', 'wrong_version', 'malformed', 'forbidden'];

/**
 * Lines to the heads, at most one to each. One head is the main one, with which all is done until
 * it is lost or another was quicker. Lines are dialled when somebody needs one: each head in turn
 * without a pause, the next one also when a head keeps us waiting, and then all of them again with
 * longer and longer pauses.
 */
export class Lines {
  readonly heads: number;
  readonly timers = new Timers();
  /** Questions that are with two heads; whoever puts one so counts it here. */
  hedged = 0;
  readonly #options: LinesOptions;
  readonly #lines = new Map<number, Line>();
  readonly #dialling = new Map<number, Promise<Line>>();
  readonly #waiting = new Set<Waiting>();
  #main = 0;
  #seeking = false;
  #wake = (): void => {};
  #failed = 0;
  #last: Failure = failure('unreachable', 'there is no connection');
  #closed = false;

  constructor(options: LinesOptions) {
    this.#options = options;
    this.heads = options.heads;
  }

  /** The main line, or one that is made within `ms`. Throws `Failed`: why the last try failed. */
  get(ms: number): Promise<Line> | Line {
    const line = this.#lines.get(this.#main);
    if (line?.isOpen) return line;
    if (this.#closed) throw new Failed('stopping', 'the client is closed');
    return new Promise((resolve, reject) => {
      const late = this.timers.after(ms, () => waiting.failed(failed(this.#last)));
      const over = (): void => {
        late();
        this.#waiting.delete(waiting);
        // If nobody needs one now, the next who does tries at once.
        if (this.#waiting.size === 0) this.#wake();
      };
      const waiting: Waiting = {
        done: (found) => {
          over();
          resolve(found);
        },
        failed: (why) => {
          over();
          reject(why);
        },
      };
      this.#waiting.add(waiting);
      if (!this.#seeking) void this.#seek();
    });
  }

  /** A line to a head that is none of those. Throws `Failed` if there is none to be had. */
  other(than: ReadonlySet<number>): Promise<Line> {
    return this.#first(this.#order().filter((head) => !than.has(head)));
  }

  /** From now on all is done over this line. */
  prefer({ head }: Line): void {
    if (head === this.#main || !this.#lines.has(head)) return;
    const former = this.#lines.get(this.#main);
    this.#main = head;
    former?.mind();
  }

  /** Its head is of no use now: what is wanted next goes to the next one. */
  leave(line: Line): void {
    if (line.head !== this.#main || this.heads === 1) return;
    this.#main = (line.head + 1) % this.heads;
    line.mind();
  }

  close(): void {
    this.#closed = true;
    for (const line of [...this.#lines.values()]) line.close('the client is done');
    this.#fail(new Failed('stopping', 'the client is closed'));
    this.timers.end();
  }

  /** All heads, the main one first. */
  #order(): readonly number[] {
    return Array.from({ length: this.heads }, (_, at) => (this.#main + at) % this.heads);
  }

  /** Dials for as long as somebody waits. */
  async #seek(): Promise<void> {
    this.#seeking = true;
    while (this.#waiting.size > 0 && !this.#closed) {
      try {
        const line = await this.#first(this.#order());
        this.#main = line.head;
        for (const waiting of [...this.#waiting]) waiting.done(line);
      } catch (error) {
        const why = error as Failed;
        if (hopeless.includes(why.failure.code)) this.#fail(why);
        if (this.#waiting.size === 0) break;
        const pause = this.timers.sleep(pauseMs(this.#failed));
        this.#failed += 1;
        this.#wake = pause.wake;
        await pause.over;
      }
    }
    this.#seeking = false;
  }

  /**
   * The first line to be had to any of the heads. Each is dialled when those before it have failed,
   * or have taken too long. Throws the reason of one for which there is hope, if there is any.
   */
  #first(heads: readonly number[]): Promise<Line> {
    return new Promise((resolve, reject) => {
      let next = 0;
      let left = heads.length;
      let undo = (): void => {};
      let why = this.#last;
      const go = (): void => {
        undo();
        const head = heads[next];
        if (head === undefined) return;
        next += 1;
        if (next < heads.length) undo = this.timers.after(limits.hedgeMs, go);
        this.#dial(head).then(opened, refused);
      };
      const opened = (line: Line): void => {
        undo();
        next = heads.length;
        resolve(line);
      };
      const refused = (error: Failed): void => {
        left -= 1;
        const isFirst = left === heads.length - 1;
        if (isFirst || !hopeless.includes(error.failure.code)) why = error.failure;
        if (left === 0) reject(failed(why));
        else go();
      };
      if (this.#closed) reject(new Failed('stopping', 'the client is closed'));
      else if (left === 0) reject(failed(why));
      else go();
    });
  }

  #dial(head: number): Promise<Line> {
    const open = this.#lines.get(head);
    if (open?.isOpen) return Promise.resolve(open);
    const dialling = this.#dialling.get(head) ?? this.#opened(head);
    this.#dialling.set(head, dialling);
    return dialling;
  }

  async #opened(head: number): Promise<Line> {
    try {
      const socket = await this.#options.open(head);
      if (!this.#closed) return this.#made(head, socket);
      socket.close('the client is done');
    } catch (error) {
      const why = failureOf(error);
      this.#last = why;
      if (this.#lines.size === 0) this.#options.onState(false, why.text);
      throw failed(why);
    } finally {
      this.#dialling.delete(head);
    }
    throw new Failed('stopping', 'the client is closed');
  }

  #made(head: number, socket: Socket): Line {
    const since = Date.now();
    const line = new Line(socket, {
      head,
      codec: this.#options.codec,
      timers: this.timers,
      isMinded: this.heads > 1,
      isWanted: () => head === this.#main,
      onClosed: (why) => {
        // One that is taken and dropped at once is dialled with pauses as well.
        this.#failed = Date.now() - since < limits.redialMsMax ? this.#failed + 1 : 0;
        this.#last = failure('unreachable', `the connection was lost: ${why}`);
        this.#lines.delete(head);
        if (head === this.#main) this.#main = (head + 1) % this.heads;
        if (this.#lines.size === 0) this.#options.onState(false, why);
      },
    });
    if (this.#lines.size === 0) this.#options.onState(true, '');
    this.#lines.set(head, line);
    line.mind();
    return line;
  }

  #fail(why: Failed): void {
    for (const waiting of [...this.#waiting]) waiting.failed(why);
  }
}

const failed = ({ code, text, retry }: Failure): Failed => new Failed(code, text, retry);

const failureOf = (error: unknown): Failure =>
  error instanceof Failed
    ? error.failure
    : failure('unreachable', error instanceof Error ? error.message : String(error));

/** Doubles with each try in a row; drawn, so that those whom one head lost do not come together. */
export function pauseMs(tries: number): number {
  const longest = Math.min(limits.redialMsMin * 2 ** Math.min(tries, 16), limits.redialMsMax);
  return longest * (0.5 + Math.random() / 2);
}
