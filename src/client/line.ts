import type { Envelope } from '../protocol/envelope.ts';
import { Failed, type Failure, failure, Malformed } from '../protocol/errors.ts';
import type { Message } from '../protocol/messages.ts';
import { isStreamFrame } from '../protocol/streams/stream-frame.ts';
import type { Codec } from '../protocol/wire/frame.ts';
import { type Outbox, outbox } from '../protocol/wire/outbox.ts';
import { LineStreams } from './line-streams.ts';
import type { Socket } from './socket.ts';

type Open = {
  readonly message: Message;
  readonly done: (body: object) => void;
  readonly failed: (why: Failed) => void;
};

/** One socket, and all that is asked over it. It ends once, and everything on it ends with it. */
export class Line {
  readonly streams: LineStreams;
  readonly #socket: Socket;
  readonly #codec: Codec;
  readonly #outbox: Outbox;
  readonly #open = new Map<number, Open>();
  #next = 1;
  #closed: string | undefined;

  constructor(socket: Socket, codec: Codec, onClosed: (why: string) => void) {
    this.#socket = socket;
    this.#codec = codec;
    this.streams = new LineStreams(socket);
    this.#outbox = outbox({
      link: socket,
      codec,
      soon: endOfTurn,
      unsent: ({ ask }, why) => this.#end(ask, why),
    });
    socket.onDrain(() => {
      this.#outbox.drained();
      this.streams.pump();
    });
    socket.onClosed((why) => {
      this.#over(why);
      onClosed(why);
    });
    socket.onFrame((frame) => this.#hear(frame));
  }

  get isOpen(): boolean {
    return this.#closed === undefined;
  }

  /** Puts a question. What becomes of it when the socket is lost first, nobody here knows. */
  ask(message: Message, ms: number): Promise<object> {
    return new Promise((resolve, reject) => {
      const ask = this.#next++;
      const late = setTimeout(() => this.#end(ask, failure('timeout', 'no answer in time')), ms);
      const over = (): void => {
        clearTimeout(late);
        this.#open.delete(ask);
      };
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
      if (this.#closed !== undefined) return this.#end(ask, failure('unreachable', this.#closed));
      if (!this.#outbox.push({ is: 'call', to: '', ask, message }))
        this.#end(ask, failure('busy', 'the connection takes no more for now'));
    });
  }

  close(why: string): void {
    this.#socket.close(why);
    this.#over(why);
  }

  #hear(frame: Uint8Array): void {
    if (isStreamFrame(frame)) return this.streams.hear(frame);
    for (const envelope of this.#codec.decode(frame)) this.#take(envelope);
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
    this.streams.closed(why);
    const lost = failure('unknown_outcome', `the connection was lost before the answer: ${why}`);
    for (const ask of [...this.#open.keys()]) this.#end(ask, lost);
  }
}

/** Calls that are made together go as one frame. Browsers have no `setImmediate`. */
const endOfTurn = (then: () => void): void => {
  if (typeof setImmediate === 'function') setImmediate(then);
  else setTimeout(then, 0);
};
