import type { TLSSocket } from 'node:tls';
import type { RawData, WebSocket } from 'ws';
import { Malformed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Note } from '../runtime/ports.ts';
import { farewell, fitReason, reasonOfClose, reasonOfError } from './farewell.ts';
import { type Identity, showIdentity } from './identity.ts';
import type { Link, LinkBounds, Purpose } from './link.ts';

/** The bounds of a link by what it is for. */
export const boundsFor = (purpose: Purpose | 'terminal'): LinkBounds => ({
  frameBytesMax: purpose === 'bulk' ? limits.streamFrameBytesMax : limits.frameBytesMax,
  outboxBytesMax: limits.outboxBytesMax,
  beatMs: limits.beatMs,
  silenceMsMax: limits.silenceMsMax,
  ...(purpose !== 'bulk' && { turnBytesMax: limits.turnBytesMax }),
});

/** Options of `ws` that every link has, on both ends. */
export const socketOptions = (bounds: LinkBounds) => ({
  perMessageDeflate: false as const,
  maxPayload: bounds.frameBytesMax,
  maxBufferedChunks: limits.framePiecesMax,
  maxFragments: limits.frameFragmentsMax,
  closeTimeout: limits.goodbyeMsMax,
});

export type Spoken = {
  /** Frames go as text, as a JSON subprotocol wants it; else as bytes. */
  readonly text?: boolean;
  readonly note?: Note | undefined;
};

/** A link over an open WebSocket within TLS. */
export class SocketLink implements Link {
  readonly peer: Identity;
  readonly frameBytesMax: number;
  readonly #ws: WebSocket;
  readonly #bounds: LinkBounds;
  readonly #turnBytesMax: number;
  readonly #how: { readonly binary: boolean };
  readonly #note: Note | undefined;
  #onClosed: ((why: string) => void)[] = [];
  #onDrain: (() => void) | undefined;
  #why: string | undefined;
  #timer: NodeJS.Timeout | undefined;
  #heardAt = performance.now();
  #pingAt = this.#heardAt;
  #dueAt = this.#heardAt;
  #taken = 0;

  constructor(
    ws: WebSocket,
    socket: TLSSocket,
    peer: Identity,
    bounds: LinkBounds,
    spoken: Spoken = {},
  ) {
    this.peer = peer;
    this.frameBytesMax = bounds.frameBytesMax;
    this.#ws = ws;
    this.#bounds = bounds;
    this.#turnBytesMax = bounds.turnBytesMax ?? Number.POSITIVE_INFINITY;
    this.#how = { binary: spoken.text !== true };
    this.#note = spoken.note;
    ws.pause();
    // Any byte is a sign of life: the pieces of a large frame on a slow line too.
    socket.on('data', () => {
      this.#heardAt = performance.now();
    });
    ws.on('error', (error) => this.#over(reasonOfError(error)));
    ws.on('close', (code, reason) => this.#over(reasonOfClose(code, reason.toString())));
    socket.on('error', (error) => this.#over(reasonOfError(error)));
    socket.on('drain', () => {
      if (this.#why === undefined) this.#onDrain?.();
    });
    this.#tick();
  }

  get bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  send(frame: Uint8Array): boolean {
    const { frameBytesMax, outboxBytesMax } = this.#bounds;
    if (frame.length > frameBytesMax)
      throw new RangeError(`a frame of ${frame.length} bytes; ${frameBytesMax} at most`);
    if (this.#why !== undefined) return false;
    if (this.#ws.bufferedAmount + frame.length > outboxBytesMax) return false;
    this.#ws.send(frame, this.#how);
    return true;
  }

  onFrame(handler: (frame: Uint8Array) => void): void {
    this.#ws.removeAllListeners('message');
    this.#ws.on('message', (frame, binary) => this.#take(frame, binary, handler));
    this.#ws.resume();
  }

  onClosed(handler: (why: string) => void): void {
    this.#onClosed.push(handler);
    if (this.#why !== undefined) this.#tell(this.#why);
  }

  onDrain(handler: () => void): void {
    this.#onDrain = handler;
  }

  close(why: string): void {
    this.#end(farewell.closed, why);
  }

  #take(frame: RawData, binary: boolean, handler: (frame: Uint8Array) => void): void {
    if (this.#why !== undefined) return;
    this.#count((frame as Buffer).length);
    if (binary !== this.#how.binary)
      return this.#end(farewell.wrongKind, `${binary ? 'binary' : 'text'} is not spoken here`);
    try {
      // `binaryType` is nodebuffer, so it is one Buffer, never several.
      handler(frame as Buffer);
    } catch (error) {
      if (error instanceof Malformed) return this.#end(farewell.malformed, error.message);
      this.#note?.('error', '/links', 'a frame met a bug', {
        peer: showIdentity(this.peer),
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      this.#end(farewell.bug, 'bug');
    }
  }

  /**
   * Counts a frame; with as much as is good for one turn of the loop, no more is read for now. A
   * frame counts for half a turn at most: it has half as many envelopes as actors play letters.
   */
  #count(bytes: number): void {
    const most = this.#turnBytesMax;
    if (this.#taken === 0) setImmediate(this.#turn);
    this.#taken += Math.min(bytes, most / 2);
    if (this.#taken >= most && !this.#ws.isPaused) this.#ws.pause();
  }

  /** Reads on when as many turns have passed as what came is good for. */
  readonly #turn = (): void => {
    this.#taken = Math.max(0, this.#taken - this.#turnBytesMax);
    if (this.#taken > 0) setImmediate(this.#turn);
    else if (this.#ws.isPaused) this.#ws.resume();
  };

  #end(code: number, why: string): void {
    if (this.#why !== undefined) return;
    // Reading goes on, or the peer's goodbye would not be seen and it would have to be cut.
    this.#ws.close(code, fitReason(why));
    this.#ws.resume();
    this.#over(why);
  }

  #over(why: string): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    clearTimeout(this.#timer);
    this.#tell(why);
  }

  #tell(why: string): void {
    queueMicrotask(() => {
      for (const handler of this.#onClosed.splice(0)) handler(why);
    });
  }

  /**
   * Beats, and ends the link when the peer is silent. If this process itself was stopped or busy
   * for longer than a beat, the silence proves nothing, and the peer gets one more beat.
   */
  #tick(): void {
    const now = performance.now();
    const { beatMs, silenceMsMax } = this.#bounds;
    if (now - this.#dueAt > beatMs)
      this.#heardAt = Math.max(this.#heardAt, now - silenceMsMax + beatMs);
    if (now - this.#heardAt >= silenceMsMax) {
      this.#over('silent');
      this.#ws.terminate();
      return;
    }
    if (now >= this.#pingAt) {
      if (this.#ws.readyState === this.#ws.OPEN) this.#ws.ping();
      this.#pingAt = now + beatMs;
    }
    this.#dueAt = Math.min(this.#pingAt, this.#heardAt + silenceMsMax);
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, this.#dueAt - now));
    this.#timer.unref();
  }
}
