import type { Identity } from '../../src/platform/identity.ts';
import type { Link, LinkBounds } from '../../src/platform/link.ts';
import { Malformed } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import type { Cancel, Clock, Millis } from '../../src/runtime/ports.ts';

export type End = 'near' | 'far';

/** Two ends of a link in memory, and what a cruel network does to what is between them. */
export type MemoryLinks = {
  readonly near: Link;
  readonly far: Link;
  /** How long a frame travels from now on; order is kept all the same. */
  delay(ms: Millis): void;
  /** Nothing of what this end sends arrives, its beats neither, until it is released. */
  hold(end: End): void;
  release(end: End): void;
  /** Breaks it at once for both; what was under way is lost. */
  cut(): void;
};

export type MemoryLinkOptions = {
  readonly clock: Clock;
  /** Who is at the end: the far link's peer is `near`, and the other way round. */
  readonly near: Identity;
  readonly far: Identity;
  readonly delayMs?: Millis;
  readonly bounds?: Partial<Omit<LinkBounds, 'beatMs'>>;
};

/** What the socket of a real link takes before it says that it is jammed. */
const JAM_BYTES = 64 << 10;

/** Makes a link whose wire is this process: same rules, time from the clock, no I/O. */
export function memoryLinks(options: MemoryLinkOptions): MemoryLinks {
  const wire = { delayMs: options.delayMs ?? 0 };
  const near = new MemoryLink(options, options.far, wire);
  const far = new MemoryLink(options, options.near, wire);
  near.other = far;
  far.other = near;
  const ends = { near, far };
  return {
    near,
    far,
    delay(ms) {
      wire.delayMs = ms;
    },
    hold: (end) => ends[end].hold(),
    release: (end) => ends[end].release(),
    cut() {
      near.break('reset');
      far.break('reset');
    },
  };
}

type Parcel =
  | { readonly at: Millis; readonly is: 'frame'; readonly frame: Uint8Array; readonly sent: Buffer }
  | { readonly at: Millis; readonly is: 'goodbye'; readonly why: string };

class MemoryLink implements Link {
  readonly peer: Identity;
  readonly frameBytesMax: number;
  other: MemoryLink | undefined;
  readonly #clock: Clock;
  readonly #wire: { readonly delayMs: Millis };
  readonly #bounds: Omit<LinkBounds, 'beatMs'>;
  /** What this end sent and the other has not heard. */
  readonly #parcels: Parcel[] = [];
  #bytes = 0;
  #jammed = false;
  #held = false;
  #pump: Cancel | undefined;
  #silence: Cancel | undefined;
  #why: string | undefined;
  #onFrame: ((frame: Uint8Array) => void) | undefined;
  #onDrain: (() => void) | undefined;
  readonly #onClosed: ((why: string) => void)[] = [];

  constructor(options: MemoryLinkOptions, peer: Identity, wire: { readonly delayMs: Millis }) {
    this.peer = peer;
    this.#clock = options.clock;
    this.#wire = wire;
    this.#bounds = {
      frameBytesMax: limits.frameBytesMax,
      outboxBytesMax: limits.outboxBytesMax,
      silenceMsMax: limits.silenceMsMax,
      ...options.bounds,
    };
    this.frameBytesMax = this.#bounds.frameBytesMax;
  }

  get bufferedBytes(): number {
    return this.#bytes;
  }

  send(frame: Uint8Array): boolean {
    if (frame.length > this.frameBytesMax)
      throw new RangeError(`a frame of ${frame.length} bytes; ${this.frameBytesMax} at most`);
    if (this.#why !== undefined) return false;
    if (this.#bytes + frame.length > this.#bounds.outboxBytesMax) {
      this.#jammed = true;
      return false;
    }
    this.#bytes += frame.length;
    this.#jammed ||= this.#bytes >= JAM_BYTES;
    this.#post({ at: this.#arrival(), is: 'frame', frame, sent: Buffer.from(frame) });
    return true;
  }

  onFrame(handler: (frame: Uint8Array) => void): void {
    this.#onFrame = handler;
    this.other?.run();
  }

  onClosed(handler: (why: string) => void): void {
    this.#onClosed.push(handler);
    if (this.#why !== undefined) this.#tell();
  }

  onDrain(handler: () => void): void {
    this.#onDrain = handler;
  }

  close(why: string): void {
    if (this.#why !== undefined) return;
    this.#post({ at: this.#arrival(), is: 'goodbye', why });
    this.#over(why);
  }

  /** Ends it without a goodbye; what this end sent is lost. */
  break(why: string): void {
    this.#parcels.length = 0;
    this.#over(why);
  }

  hold(): void {
    if (this.#held) return;
    this.#held = true;
    this.#pump?.();
    this.#pump = undefined;
    this.other?.hearNothing();
  }

  release(): void {
    this.#held = false;
    this.other?.hearAgain();
    this.run();
  }

  hearNothing(): void {
    if (this.#why !== undefined) return;
    this.#silence = this.#clock.timer(this.#bounds.silenceMsMax, () => {
      this.break('silent');
      // The peer's next packet meets a closed socket, if the answer gets through.
      const peer = this.other;
      if (!this.#held) this.#clock.timer(this.#wire.delayMs, () => peer?.break('reset'));
    });
  }

  hearAgain(): void {
    this.#silence?.();
    this.#silence = undefined;
  }

  /** Delivers the next parcel when it is due, unless the other end does not listen yet. */
  run(): void {
    const first = this.#parcels[0];
    if (first === undefined || this.#held || this.#pump !== undefined) return;
    if (first.is === 'frame' && this.other?.listens === false) return;
    const ms = Math.max(0, first.at - this.#clock.now());
    this.#pump = this.#clock.timer(ms, () => {
      this.#pump = undefined;
      this.#deliver();
      this.run();
    });
  }

  get listens(): boolean {
    return this.#onFrame !== undefined || this.#why !== undefined;
  }

  #arrival(): Millis {
    const last = this.#parcels.at(-1)?.at ?? 0;
    return Math.max(last, this.#clock.now() + this.#wire.delayMs);
  }

  #post(parcel: Parcel): void {
    this.#parcels.push(parcel);
    this.run();
  }

  /** All that is due at this instant, so that a clock needs one timer for many frames. */
  #deliver(): void {
    const now = this.#clock.now();
    while (this.#parcels.length > 0 && this.#parcels[0]!.at <= now && !this.#held) {
      const parcel = this.#parcels.shift()!;
      if (parcel.is === 'goodbye') {
        this.other?.break(parcel.why);
        continue;
      }
      if (!parcel.sent.equals(parcel.frame))
        throw new Error('a frame was changed after its sending');
      this.#bytes -= parcel.sent.length;
      this.other?.take(parcel.sent);
    }
    if (this.#bytes > 0 || !this.#jammed) return;
    this.#jammed = false;
    if (this.#why === undefined) this.#onDrain?.();
  }

  take(frame: Uint8Array): void {
    if (this.#why !== undefined) return;
    try {
      this.#onFrame?.(frame);
    } catch (error) {
      this.close(error instanceof Malformed ? error.message : 'bug');
    }
  }

  #over(why: string): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    this.hearAgain();
    this.#tell();
  }

  #tell(): void {
    this.#clock.timer(0, () => {
      for (const handler of this.#onClosed.splice(0)) handler(this.#why!);
    });
  }
}
