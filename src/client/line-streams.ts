import { failure, Malformed } from '../protocol/errors.ts';
import type { StreamEnd } from '../protocol/streams/stream-end.ts';
import { hear } from '../protocol/streams/stream-hear.ts';
import {
  isOpen,
  type StreamEvent,
  type Streams,
  streams,
  streamsConfig,
} from '../protocol/streams/stream-table.ts';
import {
  consume,
  cut,
  finish,
  linked,
  openStream,
  pull,
  resetStream,
  write,
} from '../protocol/streams/streams.ts';
import type { Socket } from './socket.ts';
import { Stream } from './stream.ts';

/** So much waits in the socket before streams wait themselves: calls must not queue behind them. */
const BUFFERED_BYTES = 512 << 10;

/**
 * Drives the streams of one socket. They end with it: a client comes back to another head, which
 * knows nothing of them, and whoever reads goes on by offset on a new one.
 */
export class LineStreams {
  readonly #socket: Socket;
  readonly #all: Streams;
  readonly #byEnd = new Map<StreamEnd, Stream>();
  /** A frame that the socket did not take. */
  #held: Uint8Array | undefined;
  #scheduled = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    const frameBytes = Math.min(streamsConfig.frameBytes, socket.frameBytesMax);
    this.#all = streams({ ...streamsConfig, frameBytes });
    linked(this.#all, Date.now());
  }

  get areNone(): boolean {
    return this.#byEnd.size === 0;
  }

  /** `windowBytes`: how much may be under way, if more than usual. */
  open(kind: string, body: object, windowBytes?: number): Stream {
    const all = this.#all;
    const wish = windowBytes === undefined ? {} : { windowBytes };
    const end = openStream(all, { id: randomId(), kind, body, ...wish }, Date.now());
    const stream: Stream = new Stream({
      write: (bytes) => this.#then(write(all, end, bytes)),
      finish: () => this.#then(finish(all, end)),
      consume: (count) => {
        consume(all, end, count);
        this.#then(this.#settle(end));
      },
      reset: (why) => {
        this.#byEnd.delete(end);
        this.#then(resetStream(all, end, why, Date.now()));
      },
    });
    this.#byEnd.set(end, stream);
    return this.#then(stream);
  }

  /** Throws `Malformed` if it is no frame of a stream. */
  hear(frame: Uint8Array): void {
    for (const event of hear(this.#all, frame, Date.now())) this.#play(event);
    this.pump();
  }

  closed(why: string): void {
    cut(this.#all, Date.now());
    const lost = failure('unreachable', `the connection was lost: ${why}`);
    for (const stream of this.#byEnd.values()) stream.failed(lost);
    this.#byEnd.clear();
  }

  /** Sends what streams have to say, as far as the socket has room. */
  pump(): void {
    this.#scheduled = false;
    for (;;) {
      if (this.#held === undefined && this.#socket.bufferedBytes >= BUFFERED_BYTES) return;
      const frame = this.#held ?? pull(this.#all, (bytes) => new Uint8Array(bytes));
      this.#held = undefined;
      if (frame === undefined) return;
      if (!this.#socket.send(frame)) {
        this.#held = frame;
        return;
      }
    }
  }

  #play(event: StreamEvent): void {
    if (event.is === 'opened') throw new Malformed('$', 'no stream that a head opens');
    const stream = this.#byEnd.get(event.end);
    switch (event.is) {
      case 'accepted':
        return stream?.took(event.end.answer ?? {});
      case 'data':
        // A view of what the socket read, which is kept until somebody reads.
        return stream?.arrived(event.bytes);
      case 'ended':
        return stream?.ended();
      case 'credit':
        stream?.changed();
        return this.#settle(event.end);
      case 'reset':
        this.#byEnd.delete(event.end);
        return stream?.failed(event.failure);
    }
  }

  /** Forgets a stream both of whose halves came to their end. */
  #settle(end: StreamEnd): void {
    if (!isOpen(this.#all, end)) this.#byEnd.delete(end);
  }

  /** Small writes of one turn go together. */
  #then<T>(value: T): T {
    if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(() => this.pump());
    }
    return value;
  }
}

const randomId = (): string => crypto.randomUUID().replaceAll('-', '');
