import { randomUUID } from 'node:crypto';
import { Failed, type Failure } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { StreamEnd } from '../protocol/streams/stream-end.ts';
import { isFinished } from '../protocol/streams/stream-flow.ts';
import { hear } from '../protocol/streams/stream-hear.ts';
import {
  type StreamEvent,
  type Streams,
  type StreamsConfig,
  streams,
  streamsConfig,
} from '../protocol/streams/stream-table.ts';
import {
  acceptStream,
  consume,
  cut,
  expire,
  finish,
  linked,
  openStream,
  pull,
  resetStream,
  write,
} from '../protocol/streams/streams.ts';
import type { Who } from '../protocol/who.ts';
import type { Note } from '../runtime/ports.ts';
import { type FramePool, framePool } from './frame-pool.ts';
import type { Link } from './link.ts';
import { DrivenStream, failureOf, type Stream, type StreamPort } from './stream.ts';

/** What a hub needs of a link: a bulk link, or the part of a shared one that carries streams. */
export type StreamLink = Pick<
  Link,
  'send' | 'onFrame' | 'onClosed' | 'onDrain' | 'bufferedBytes' | 'close'
>;

/** A peer's wish for a stream. The body is not checked yet: its kind's handler does that. */
export type StreamRequest = {
  readonly kind: string;
  readonly body: unknown;
  readonly who: Who;
  /** Readable at once; what is written waits for the accept. Destroying it refuses. */
  readonly stream: Stream;
  /** `windowBytes`: how much may be under way, if more than usual and the opener wants it too. */
  accept(answer?: object, windowBytes?: number): void;
};

/** Accepts, now or later, or throws: a `Failed` or `Malformed` is what the opener is told. */
export type StreamHandler = (request: StreamRequest) => void | Promise<void>;

export type HubOptions = {
  /** The peer, proven by its link; a stream is resumed only on a link of the same peer. */
  readonly who: Who;
  readonly note?: Note | undefined;
  readonly config?: StreamsConfig;
};

/** All streams with one peer, over whichever link there is to it now. */
export interface Hub {
  readonly who: Who;
  readonly attached: boolean;
  /** Streams that are open now. */
  readonly size: number;
  /** Goes on over this link from now on; the one before is closed. */
  attach(link: StreamLink): void;
  /** There is no link. Streams wait for the next one for limits.streamResumeMs. */
  detach(): void;
  /** Opens a stream, also while there is no link. Bytes may be written before it is accepted. */
  open(kind: string, body: object, windowBytes?: number): Stream;
  serve(kind: string, handler: StreamHandler): void;
  /** Resets all streams, and lets no other be opened. */
  close(why: Failure): void;
}

/**
 * Bytes that may wait in a link: enough to keep it busy, few enough that a credit or another
 * stream's bytes do not wait long behind them.
 */
const linkBytesMax = 1 << 20;

/** How long bytes that fill no frame wait for more while the link is busy. */
const tailMs = 1;

/** How often it looks for streams that waited too long for a link. */
const watchMs = 10_000;

export const streamHub = (options: HubOptions): Hub => new StreamHub(options);

/** Who never listens has dialled: to it a frame begins without the four bytes of mask. */
const configFor = ({ door }: Who): StreamsConfig =>
  door === 'head' || door === 'local'
    ? streamsConfig
    : { ...streamsConfig, frameBytes: limits.streamFrameBytes + 4 };

class StreamHub implements Hub {
  readonly who: Who;
  readonly #all: Streams;
  readonly #driven = new Map<StreamEnd, DrivenStream>();
  readonly #handlers = new Map<string, StreamHandler>();
  readonly #note: Note | undefined;
  #link: StreamLink | undefined;
  /** A frame that the link did not take yet. */
  #held: Uint8Array | undefined;
  readonly #frames: FramePool;
  #pumping = false;
  #tailing: NodeJS.Timeout | undefined;
  #closed: Failure | undefined;
  #watch: NodeJS.Timeout | undefined;

  constructor(options: HubOptions) {
    this.who = options.who;
    this.#note = options.note;
    const config = options.config ?? configFor(options.who);
    this.#all = streams(config);
    this.#frames = framePool(config.frameBytes);
  }

  get attached(): boolean {
    return this.#link !== undefined;
  }

  get size(): number {
    return this.#all.ends.size;
  }

  attach(link: StreamLink): void {
    const older = this.#link;
    this.detach();
    older?.close('a newer link took its place');
    this.#link = link;
    linked(this.#all, performance.now());
    link.onDrain(() => {
      if (this.#link === link) this.#pump();
    });
    link.onClosed(() => {
      if (this.#link === link) this.detach();
    });
    link.onFrame((frame) => {
      if (this.#link !== link) return;
      for (const event of hear(this.#all, frame, performance.now())) this.#play(event);
      this.#pumpSoon();
    });
    this.#pumpSoon();
  }

  detach(): void {
    this.#link = undefined;
    this.#held = undefined;
    this.#frames.abandon();
    cut(this.#all, performance.now());
  }

  open(kind: string, body: object, windowBytes = 0): Stream {
    if (this.#closed) throw new Failed(this.#closed.code, this.#closed.text);
    const id = randomUUID().replaceAll('-', '');
    const end = openStream(this.#all, { id, kind, body, windowBytes }, performance.now());
    this.#pumpSoon();
    return this.#drive(end);
  }

  serve(kind: string, handler: StreamHandler): void {
    if (this.#handlers.has(kind)) throw new Error(`${kind} is served already`);
    this.#handlers.set(kind, handler);
  }

  close(why: Failure): void {
    this.#closed = why;
    for (const stream of [...this.#driven.values()]) stream.lost(why);
    clearInterval(this.#watch);
  }

  /** Waits for the end of what runs now, so that small writes go as one frame. */
  #pumpSoon(): void {
    if (this.#pumping || !this.#link) return;
    this.#pumping = true;
    queueMicrotask(() => this.#pump());
  }

  /** `whole`: while the link is busy, bytes that fill no frame wait a moment for more of them. */
  #pump(whole = true): void {
    this.#pumping = false;
    const link = this.#link;
    for (;;) {
      const waiting = link?.bufferedBytes ?? linkBytesMax;
      if (!link || waiting >= linkBytesMax) return;
      this.#frames.settle(waiting);
      this.#held ??= pull(this.#all, this.#frames.take, whole && waiting > 0);
      if (!this.#held) break;
      if (!link.send(this.#held)) return;
      this.#frames.sent(this.#held);
      this.#held = undefined;
    }
    if (this.#all.tails.size === 0) return;
    this.#tailing ??= setTimeout(() => {
      this.#tailing = undefined;
      this.#pump(false);
    }, tailMs);
  }

  #drive(end: StreamEnd): DrivenStream {
    const stream = new DrivenStream(end.id, end.kind, this.#portOf(end));
    this.#driven.set(end, stream);
    this.#watch ??= setInterval(
      () => this.#lookForLate(),
      Math.min(watchMs, this.#all.config.resumeMs / 4),
    ).unref();
    return stream;
  }

  #portOf(end: StreamEnd): StreamPort {
    const all = this.#all;
    const then = <T>(result: T): T => {
      this.#pumpSoon();
      return result;
    };
    return {
      write: (bytes) => then(write(all, end, bytes)),
      finish: () => then(finish(all, end)),
      isFinished: () => isFinished(end.out),
      consume: (count) => then(consume(all, end, count)),
      reset: (why) => {
        this.#driven.delete(end);
        then(resetStream(all, end, why, performance.now()));
      },
    };
  }

  /** A bug in one stream's handler ends that stream, not the link with all the others. */
  #play(event: StreamEvent): void {
    try {
      const stream = this.#driven.get(event.end);
      if (event.is === 'opened') this.#asked(event.end);
      if (event.is === 'accepted') stream?.answered(event.end.answer ?? {});
      if (event.is === 'data') stream?.heard(event.bytes);
      if (event.is === 'ended') stream?.endHeard();
      if (event.is === 'credit') stream?.credited();
      if (event.is === 'reset') stream?.lost(event.failure);
    } catch (error) {
      this.#fail(event.end, error);
    }
  }

  #asked(end: StreamEnd): void {
    const { kind, body } = end;
    const stream = this.#drive(end);
    const handler = this.#handlers.get(kind);
    if (this.#closed) throw new Failed(this.#closed.code, this.#closed.text);
    if (!handler) throw new Failed('not_found', `nothing here serves streams of kind ${kind}`);
    const accept = (answer: object = {}, windowBytes?: number): void => {
      acceptStream(this.#all, end, answer, windowBytes);
      this.#pumpSoon();
    };
    const handled = handler({ kind, body, who: this.who, stream, accept });
    handled?.catch((error: unknown) => this.#fail(end, error));
  }

  #fail(end: StreamEnd, error: unknown): void {
    const why = failureOf(error);
    if (why.code === 'bug') {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      this.#note?.('error', '/streams', 'a stream met a bug', { kind: end.kind, error: text });
    }
    this.#driven.get(end)?.lost(why);
  }

  #lookForLate(): void {
    for (const event of expire(this.#all, performance.now())) this.#play(event);
    if (this.#all.ends.size > 0 || this.#all.graves.size > 0) return;
    clearInterval(this.#watch);
    this.#watch = undefined;
  }
}
