import { Failed, type Failure, failure } from '../protocol/errors.ts';

/** What a stream asks of who drives it. */
type StreamDriver = {
  /** Takes what there is room for, and says how much. */
  write(bytes: Uint8Array): number;
  finish(): void;
  consume(count: number): void;
  reset(why: Failure): void;
};

/**
 * One stream of a socket, as promises. Whoever reads it slowly slows its sender down and nothing
 * else. All that waits fails when it is reset, or the socket is lost.
 */
export class Stream {
  readonly #driver: StreamDriver;
  readonly #chunks: Uint8Array[] = [];
  #wake: (() => void)[] = [];
  #answer: object | undefined;
  #ended = false;
  #failure: Failure | undefined;

  constructor(driver: StreamDriver) {
    this.#driver = driver;
  }

  /** The answer of the other side to what was asked with its opening. */
  async accepted(): Promise<object> {
    while (this.#answer === undefined) await this.#change();
    return this.#answer;
  }

  /** Resolves when all of it is under way, or kept to be sent; the bytes must not change. */
  async write(bytes: Uint8Array): Promise<void> {
    let rest = bytes;
    for (;;) {
      this.#check();
      rest = rest.subarray(this.#driver.write(rest));
      if (rest.length === 0) return;
      await this.#change();
    }
  }

  /** Nothing more will be written. */
  end(): void {
    if (this.#failure === undefined) this.#driver.finish();
  }

  /** What arrives, to its end. Leaving the loop early resets the stream. */
  async *read(): AsyncGenerator<Uint8Array, void, void> {
    let over = false;
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          yield chunk;
          this.#driver.consume(chunk.length);
        } else if (this.#ended) break;
        else await this.#change();
      }
      over = true;
      this.#driver.consume(1);
    } finally {
      if (!over) this.reset(failure('refused', 'the reader wants no more'));
    }
  }

  reset(why: Failure): void {
    if (this.#failure !== undefined) return;
    this.failed(why);
    this.#driver.reset(why);
  }

  /** What the driver hears of this stream. */
  took(answer: object): void {
    this.#answer = answer;
    this.changed();
  }

  arrived(bytes: Uint8Array): void {
    this.#chunks.push(bytes);
    this.changed();
  }

  ended(): void {
    this.#ended = true;
    this.changed();
  }

  failed(why: Failure): void {
    this.#failure ??= why;
    this.changed();
  }

  changed(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }

  #check(): void {
    if (this.#failure === undefined) return;
    const { code, text, retry } = this.#failure;
    throw new Failed(code, text, retry);
  }

  /** Resolves when something changed; throws once the stream has failed. */
  async #change(): Promise<void> {
    this.#check();
    await new Promise<void>((resolve) => this.#wake.push(resolve));
    this.#check();
  }
}
