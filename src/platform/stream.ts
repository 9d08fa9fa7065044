import { Duplex } from 'node:stream';
import { Failed, type Failure, failure, Malformed } from '../protocol/errors.ts';
import { append, byteQueue, shift } from '../protocol/streams/byte-queue.ts';

/**
 * A stream to another node. What is written is kept until its reader there has taken it, and is
 * sent again after a cut: a buffer that was written must not be changed. It is `finish`ed once the
 * other side has taken all of it. Its own reader must read to the end, or `resume` it; destroying
 * it before it is over resets it there.
 */
export type Stream = Duplex & {
  readonly id: string;
  readonly kind: string;
  /** The answer of the side that was asked; rejects with `Failed` if it refused, or is gone. */
  accepted(): Promise<object>;
};

/** What a stream asks of its hub. */
export type StreamPort = {
  /** Takes what there is room for and says how much. */
  write(bytes: Uint8Array): number;
  finish(): void;
  /** Everything written, with the end, is taken by the other side. */
  isFinished(): boolean;
  consume(count: number): void;
  reset(why: Failure): void;
};

type Done = (error?: Error | null) => void;

const bufferBytes = 256 << 10;
const closedText = 'the other side closed it before its end';

/** A stream, and the side of it that only its hub calls. */
export class DrivenStream extends Duplex implements Stream {
  readonly id: string;
  readonly kind: string;
  readonly #port: StreamPort;
  readonly #inbox = byteQueue();
  readonly #answer = Promise.withResolvers<object>();
  #wanted = false;
  #endHeard = false;
  #rest: Uint8Array | undefined;
  #written: Done | undefined;
  #finishing: Done | undefined;

  constructor(id: string, kind: string, port: StreamPort) {
    super({ readableHighWaterMark: bufferBytes, writableHighWaterMark: bufferBytes });
    this.id = id;
    this.kind = kind;
    this.#port = port;
    // Most users do not ask for the answer, and not all listen for errors: whoever cares does
    // so too, and a node must not die because nobody does.
    this.#answer.promise.catch(() => {});
    this.on('error', () => {});
  }

  accepted(): Promise<object> {
    return this.#answer.promise;
  }

  answered(answer: object): void {
    this.#answer.resolve(answer);
  }

  heard(bytes: Uint8Array): void {
    append(this.#inbox, bytes);
    this.#deliver();
  }

  endHeard(): void {
    this.#endHeard = true;
    this.#deliver();
  }

  credited(): void {
    this.#flush();
    if (!this.#finishing || !this.#port.isFinished()) return;
    this.#finishing();
    this.#finishing = undefined;
  }

  lost(why: Failure): void {
    this.destroy(new Failed(why.code, why.text, why.retry));
  }

  override _read(): void {
    this.#wanted = true;
    this.#deliver();
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, done: Done): void {
    this.#rest = chunk;
    this.#written = done;
    this.#flush();
  }

  override _final(done: Done): void {
    this.#finishing = done;
    this.#port.finish();
  }

  override _destroy(error: Error | null, done: Done): void {
    this.#answer.reject(error ?? new Failed('refused', closedText));
    this.#port.reset(failureOf(error));
    done(error);
  }

  /** `push` may ask for more from within, so `wanted` is unset before it and never after. */
  #deliver(): void {
    while (this.#wanted && !this.destroyed) {
      const chunk = shift(this.#inbox);
      if (!chunk && !this.#endHeard) return;
      if (!chunk) this.#endHeard = false;
      this.#wanted = false;
      this.#port.consume(chunk ? chunk.length : 1);
      if (this.push(chunk ?? null)) this.#wanted = true;
    }
  }

  #flush(): void {
    if (!this.#rest) return;
    const taken = this.#port.write(this.#rest);
    if (taken < this.#rest.length) {
      this.#rest = this.#rest.subarray(taken);
      return;
    }
    this.#rest = undefined;
    this.#written?.();
  }
}

/** What the peer is told: a failure as it is, the system's words, of a bug not even those. */
export function failureOf(error: unknown): Failure {
  if (error instanceof Failed) return error.failure;
  if (error instanceof Malformed) return failure('malformed', error.message);
  if (!(error instanceof Error) || error.name === 'AbortError')
    return failure('refused', closedText);
  if ('syscall' in error) return failure('unreachable', error.message);
  return failure('bug', 'an internal error; the log of the node has it');
}

/** Waits until a stream takes more; throws `Failed` if it never will. */
export function drained(stream: Stream): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = (): void => {
      stream.off('drain', go);
      reject(stream.errored ?? new Failed('refused', 'the other side wants no more'));
    };
    const go = (): void => {
      stream.off('close', over);
      resolve();
    };
    if (stream.closed || stream.destroyed) return over();
    stream.once('drain', go);
    stream.once('close', over);
  });
}
