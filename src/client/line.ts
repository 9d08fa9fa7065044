import type { Envelope } from '../protocol/envelope.ts';
import { Failed, type Failure, failure, Malformed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { type Message, message } from '../protocol/messages.ts';
import { isStreamFrame } from '../protocol/streams/stream-frame.ts';
import type { Codec } from '../protocol/wire/frame.ts';
import { type Outbox, outbox } from '../protocol/wire/outbox.ts';
import { LineStreams } from './line-streams.ts';
import type { Socket } from './socket.ts';
import type { Stream } from './stream.ts';
import type { Timers } from './timers.ts';

type Open = {
  readonly message: Message;
  readonly done: (body: object) => void;
  readonly failed: (why: Failed) => void;
};

export type LineOptions = {
  /** The number of the head that it leads to. */
  readonly head: number;
  readonly codec: Codec;
  readonly timers: Timers;
  /** Whether it is given up when its head is silent; there must be another to go to. */
  readonly isMinded: boolean;
  /** Whether it is kept when nothing is under way on it. */
  readonly isWanted: () => boolean;
  readonly onClosed: (why: string) => void;
};

/** A question under way; after `forget` nothing is heard of it any more. */
export type Question = { readonly answer: Promise<object>; readonly forget: () => void };

/** One socket, and all that is asked over it. It ends once, and everything on it ends with it. */
export class Line {
  readonly head: number;
  readonly #socket: Socket;
  readonly #options: LineOptions;
  readonly #streams: LineStreams;
  readonly #outbox: Outbox;
  readonly #open = new Map<number, Open>();
  #next = 1;
  #closed: string | undefined;
  #heardAt = Date.now();
  #isMinding = false;

  constructor(socket: Socket, options: LineOptions) {
    this.head = options.head;
    this.#socket = socket;
    this.#options = options;
    this.#streams = new LineStreams(socket);
    this.#outbox = outbox({
      link: socket,
      codec: options.codec,
      soon: endOfTurn,
      unsent: ({ ask }, why) => this.#end(ask, why),
    });
    socket.onDrain(() => {
      this.#outbox.drained();
      this.#streams.pump();
    });
    socket.onClosed((why) => this.#over(why));
    socket.onFrame((frame) => this.#hear(frame));
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  /** Puts a question. What becomes of it when the socket is lost first, nobody here knows. */
  ask(message: Message, ms: number): Promise<object> {
    return this.put(message, ms).answer;
  }

  /** The same, for whoever may not want the answer any more. */
  put(message: Message, ms: number): Question {
    const ask = this.#next++;
    let late: ReturnType<typeof setTimeout> | undefined;
    const over = (): void => {
      clearTimeout(late);
      this.#open.delete(ask);
    };
    const answer = new Promise<object>((resolve, reject) => {
      late = setTimeout(() => this.#end(ask, failure('timeout', 'no answer in time')), ms);
      this.#open.set(ask, {
        message,
        done: (body) => {
          over();
          resolve(body);
        },
        failed: (why) => {
          over();
          reject(why);
        },
      });
    });
    if (this.#closed !== undefined) this.#end(ask, failure('unreachable', this.#closed));
    else if (!this.#outbox.push({ is: 'call', to: '', ask, message }))
      this.#end(ask, failure('busy', 'the connection takes no more for now'));
    else this.mind();
    return { answer, forget: over };
  }

  /** `windowBytes`: how much may be under way, if more than usual. */
  open(kind: string, body: object, windowBytes?: number): Stream {
    this.mind();
    return this.#streams.open(kind, body, windowBytes);
  }

  /**
   * Sees to it that a silent head is noticed while something is under way: a machine that was cut
   * off, or a process that was stopped, closes nothing.
   */
  mind(): void {
    if (this.#options.isMinded && !this.#isMinding) this.#lookIn(limits.clientSilentMs);
  }

  close(why: string): void {
    this.#socket.close(why);
    this.#over(why);
  }

  #lookIn(ms: number): void {
    if (this.#closed !== undefined) return;
    this.#isMinding = true;
    this.#options.timers.after(ms, () => this.#look());
  }

  #look(): void {
    this.#isMinding = false;
    if (this.#open.size === 0 && this.#streams.areNone) {
      if (!this.#options.isWanted()) this.close('another head is used');
      return;
    }
    const quietMs = Date.now() - this.#heardAt;
    if (quietMs < limits.clientSilentMs) return this.#lookIn(limits.clientSilentMs - quietMs);
    this.#isMinding = true;
    this.ask(message('user.show', {}), limits.clientProbeMs).then(
      () => this.#lookIn(limits.clientSilentMs),
      () => this.#doubt(),
    );
  }

  /** What it answered does not matter, as long as anything came. */
  #doubt(): void {
    if (this.#closed !== undefined) return;
    if (Date.now() - this.#heardAt < limits.clientSilentMs) this.#lookIn(limits.clientSilentMs);
    else this.close('its head is silent');
  }

  #hear(frame: Uint8Array): void {
    this.#heardAt = Date.now();
    if (isStreamFrame(frame)) return this.#streams.hear(frame);
    for (const envelope of this.#options.codec.decode(frame)) this.#take(envelope);
  }

  #take(envelope: Envelope): void {
    switch (envelope.is) {
      case 'reply': {
        const open = this.#open.get(envelope.ask);
        if (open?.message.name === envelope.name) open.done(envelope.body);
        return;
      }
      case 'refused':
        return this.#end(envelope.ask, envelope.failure);
      default:
        throw new Malformed('$', `an answer, not ${envelope.is}`);
    }
  }

  #end(ask: number, { code, text, retry }: Failure): void {
    this.#open.get(ask)?.failed(new Failed(code, text, retry));
  }

  #over(why: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = why;
    this.#streams.closed(why);
    this.#options.onClosed(why);
    const code = why.startsWith('unauthorized') ? 'unauthorized' : 'unknown_outcome';
    const lost = failure(code, `the connection was lost before the answer: ${why}`);
    for (const ask of [...this.#open.keys()]) this.#end(ask, lost);
  }
}

/** Calls that are made together go as one frame. Browsers have no `setImmediate`. */
const endOfTurn = (then: () => void): void => {
  if (typeof setImmediate === 'function') setImmediate(then);
  else setTimeout(then, 0);
};
