import { Failed, type Failure, failure } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Codec } from '../protocol/wire/frame.ts';
import { Line } from './line.ts';
import type { Socket } from './socket.ts';

export type LinesOptions = {
  readonly open: () => Promise<Socket>;
  readonly codec: Codec;
  /** Told when a connection is there, and when it is lost or could not be made. */
  readonly onState: (up: boolean, why: string) => void;
};

type Waiting = { readonly done: (line: Line) => void; readonly failed: (why: Failed) => void };

/** Dialling again does not help with these: whoever waits is told at once. */
const hopeless: readonly unknown[] = ['unauthorized', 'wrong_version', 'malformed', 'forbidden'];

/** One line at a time, dialled when somebody needs it, and again with longer and longer pauses. */
export class Lines {
  readonly #options: LinesOptions;
  readonly #waiting = new Set<Waiting>();
  #line: Line | undefined;
  #dialling = false;
  #pause: ReturnType<typeof setTimeout> | undefined;
  #failed = 0;
  #last: Failure = failure('unreachable', 'there is no connection');
  #closed = false;

  constructor(options: LinesOptions) {
    this.#options = options;
  }

  /** The line, or one that is made within `ms`. Throws `Failed` with the reason of the last try. */
  get(ms: number): Promise<Line> | Line {
    if (this.#line?.isOpen) return this.#line;
    if (this.#closed) throw new Failed('stopping', 'the client is closed');
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => {
        const { code, text, retry } = this.#last;
        waiting.failed(new Failed(code, text, retry));
      }, ms);
      const over = (): void => {
        clearTimeout(late);
        this.#waiting.delete(waiting);
        if (this.#waiting.size > 0) return;
        // Nobody needs it now; the next who does tries at once.
        clearTimeout(this.#pause);
        this.#pause = undefined;
      };
      const waiting: Waiting = {
        done: (line) => {
          over();
          resolve(line);
        },
        failed: (why) => {
          over();
          reject(why);
        },
      };
      this.#waiting.add(waiting);
      if (!this.#dialling && this.#pause === undefined) void this.#dial();
    });
  }

  close(): void {
    this.#closed = true;
    this.#line?.close('the client is done');
    this.#fail(new Failed('stopping', 'the client is closed'));
  }

  async #dial(): Promise<void> {
    this.#dialling = true;
    this.#pause = undefined;
    try {
      const socket = await this.#options.open();
      this.#dialling = false;
      if (this.#closed) return socket.close('the client is done');
      this.#opened(socket);
    } catch (error) {
      this.#dialling = false;
      this.#refused(error);
    }
  }

  #opened(socket: Socket): void {
    const since = Date.now();
    const line = new Line(socket, this.#options.codec, (why) => {
      if (this.#line === line) this.#line = undefined;
      // One that is taken and dropped at once is dialled with pauses as well.
      this.#failed = Date.now() - since < limits.redialMsMax ? this.#failed + 1 : 0;
      this.#last = failure('unreachable', `the connection was lost: ${why}`);
      this.#options.onState(false, why);
    });
    this.#line = line;
    this.#options.onState(true, '');
    for (const waiting of [...this.#waiting]) waiting.done(line);
  }

  #refused(error: unknown): void {
    this.#last =
      error instanceof Failed
        ? error.failure
        : failure('unreachable', error instanceof Error ? error.message : String(error));
    const { code, text, retry } = this.#last;
    this.#options.onState(false, text);
    if (this.#closed || hopeless.includes(code)) return this.#fail(new Failed(code, text, retry));
    if (this.#waiting.size === 0) return;
    this.#pause = setTimeout(() => void this.#dial(), pauseMs(this.#failed));
    this.#failed += 1;
  }

  #fail(why: Failed): void {
    for (const waiting of [...this.#waiting]) waiting.failed(why);
  }
}

/** Doubles with each try in a row; drawn, so that those whom one head lost do not come together. */
export function pauseMs(tries: number): number {
  const longest = Math.min(limits.redialMsMin * 2 ** Math.min(tries, 16), limits.redialMsMax);
  return longest * (0.5 + Math.random() / 2);
}
