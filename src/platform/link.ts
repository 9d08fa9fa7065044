import type { Identity } from './identity.ts';

/**
 * A two-way path for whole frames to one proven peer. Frames arrive in the order of their sending,
 * each once, until the link is closed; what was on its way then may or may not have arrived.
 * Handlers are never called from within a call to the link.
 */
export interface Link {
  readonly peer: Identity;
  /** The largest frame that may be sent. */
  readonly frameBytesMax: number;
  /** Bytes that were taken and are not yet with the system. */
  readonly bufferedBytes: number;
  /**
   * Takes the frame, whose bytes must not be changed from then on. False: it was not taken, since
   * the outbox would grow over its limit (wait for `onDrain`) or the link is closed. Throws a
   * RangeError for a frame over `frameBytesMax`.
   */
  send(frame: Uint8Array): boolean;
  /**
   * Hands over each frame; nothing is read before this is called. The bytes belong to the handler,
   * but are a view of a larger piece: what is kept for long is better copied. A handler that throws
   * `Malformed` closes the link with its text, one that throws anything else with `bug`.
   */
  onFrame(handler: (frame: Uint8Array) => void): void;
  /** Adds a handler, called once with the reason in words, also if it closed before this call. */
  onClosed(handler: (why: string) => void): void;
  /** Called when all that was taken is with the system, if there was a jam. */
  onDrain(handler: () => void): void;
  /** What was taken is still sent if the peer reads it soon; nothing more is handed over. */
  close(why: string): void;
}

/** What rides on a link of the mesh: bulk has its own, so that beats never queue behind a file. */
export type Purpose = 'messages' | 'bulk';

/** Bounds of a link; the tests alone use others than those of limits.ts. */
export type LinkBounds = {
  readonly frameBytesMax: number;
  readonly outboxBytesMax: number;
  readonly beatMs: number;
  readonly silenceMsMax: number;
  /** Read in one turn of the loop, over several turns; none: as much as comes. */
  readonly turnBytesMax?: number;
};
