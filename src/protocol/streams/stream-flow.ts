import { Malformed } from '../errors.ts';
import { append, type ByteQueue, byteQueue, copyOut, drop } from './byte-queue.ts';

/**
 * The sending half of a stream. It keeps all bytes that the other side has not consumed, never
 * more than the window; so whatever it keeps may be sent, and the window cannot be broken.
 */
export type Outflow = {
  readonly queue: ByteQueue;
  window: number;
  /** Offset up to which the other side has consumed. */
  acked: number;
  /** Offset of the byte to send next on this link. */
  next: number;
  /** The highest offset ever sent; a peer that acknowledges more lies. */
  sent: number;
  /** Bytes put in so far; once ended, also the offset of the end. */
  total: number;
  ended: boolean;
};

/** The receiving half: offsets only, the bytes go to the reader at once. */
export type Inflow = {
  window: number;
  received: number;
  consumed: number;
  /** The last offset that the other side was given credit for. */
  credited: number;
  /** Offset of the end, once it has been received. */
  end: number | undefined;
};

export const outflow = (window: number): Outflow => ({
  queue: byteQueue(),
  window,
  acked: 0,
  next: 0,
  sent: 0,
  total: 0,
  ended: false,
});

export const inflow = (window: number): Inflow => ({
  window,
  received: 0,
  consumed: 0,
  credited: 0,
  end: undefined,
});

/** How many bytes can be put now. */
export const roomOf = (out: Outflow): number => Math.max(0, out.window - out.queue.length);

/** Everything, and the end, is consumed by the other side. */
export const isFinished = (out: Outflow): boolean => out.ended && out.acked > out.total;

/** The reader has seen the end. */
export const isDrained = (flow: Inflow): boolean =>
  flow.end !== undefined && flow.consumed > flow.end;

/** Takes what fits and returns how much that was. */
export function putBytes(out: Outflow, bytes: Uint8Array): number {
  const taken = Math.min(bytes.length, roomOf(out));
  append(out.queue, taken === bytes.length ? bytes : bytes.subarray(0, taken));
  out.total += taken;
  return taken;
}

export const hasToSend = (out: Outflow): boolean =>
  out.next < out.total || (out.ended && out.next === out.total);

/** Fills a frame, from `at` on, with the next bytes to send. */
export const nextBytes = (out: Outflow, frame: Uint8Array, at: number): void =>
  copyOut(out.queue, out.next - out.acked, frame, at);

/** Counts what was sent: bytes, or one for the end. */
export function wasSent(out: Outflow, count: number): void {
  out.next += count;
  out.sent = Math.max(out.sent, out.next);
}

/** The other side has consumed all before `offset`. An older offset says nothing new. */
export function credited(out: Outflow, offset: number): void {
  if (offset > out.sent) throw new Malformed('$.offset', 'credit for what was sent');
  if (offset <= out.acked) return;
  drop(out.queue, Math.min(offset, out.total) - out.acked);
  out.acked = offset;
  out.next = Math.max(out.next, offset);
}

/** A new link: the other side has all before `offset`, and what follows is to be sent again. */
export function rewind(out: Outflow, offset: number): void {
  if (offset > out.sent) throw new Malformed('$.offset', 'an offset that was sent');
  if (offset < out.acked) throw new Malformed('$.offset', 'an offset that is not consumed');
  out.next = offset;
}

/** Returns what is new of the bytes, after a new link perhaps nothing. */
export function arrived(flow: Inflow, offset: number, bytes: Uint8Array): Uint8Array | undefined {
  const until = offset + bytes.length;
  if (offset > flow.received) throw new Malformed('$.offset', 'no gap');
  if (flow.end !== undefined && until > flow.end)
    throw new Malformed('$.offset', 'no byte after the end');
  if (until > flow.credited + flow.window) throw new Malformed('$.offset', 'at most the window');
  if (until <= flow.received) return undefined;
  const fresh = offset === flow.received ? bytes : bytes.subarray(flow.received - offset);
  flow.received = until;
  return fresh;
}

/** Notes the end; false if it was known. */
export function endArrived(flow: Inflow, offset: number): boolean {
  if (flow.end === offset) return false;
  if (flow.end !== undefined || offset !== flow.received) {
    throw new Malformed('$.offset', 'one end, behind the last byte');
  }
  flow.end = offset;
  flow.received = offset + 1;
  return true;
}

/** The reader took bytes, or the end (1). True if the other side should get credit for it now. */
export function consumed(flow: Inflow, count: number): boolean {
  flow.consumed += count;
  if (flow.consumed > flow.received) throw new Error('consumed more than was received');
  const due = flow.consumed - flow.credited;
  return due >= flow.window / 4 || (due > 0 && isDrained(flow));
}
