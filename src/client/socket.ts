/**
 * What the client speaks through: a WebSocket to a head, opened elsewhere, since browsers and
 * programs open them in different ways. Frames arrive in order, each once.
 */
export type Socket = {
  readonly frameBytesMax: number;
  /** Bytes that were taken and are not yet with the system. */
  readonly bufferedBytes: number;
  /** False: it was not taken; `onDrain` tells when to try again. */
  send(frame: Uint8Array): boolean;
  onFrame(handler: (frame: Uint8Array) => void): void;
  /** Called once, with the reason in words, also if it closed before. */
  onClosed(handler: (why: string) => void): void;
  onDrain(handler: () => void): void;
  close(why: string): void;
};
