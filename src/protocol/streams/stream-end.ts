import {
  hasToSend,
  type Inflow,
  inflow,
  isDrained,
  isFinished,
  nextBytes,
  type Outflow,
  outflow,
  wasSent,
} from './stream-flow.ts';
import { type Alloc, dataFrame, dataHeadBytes, encodeStreamFrame } from './stream-frame.ts';

/**
 * One end of a stream. It is changed in place by the functions of this folder: a copy of a window
 * of bytes at each frame would cost more than all else.
 */
export type StreamEnd = {
  readonly id: string;
  readonly kind: string;
  readonly body: object;
  readonly opener: boolean;
  /** The body of the accept; undefined until there is one. */
  answer: object | undefined;
  readonly out: Outflow;
  readonly in: Inflow;
  /** The window that the other side told in its open. */
  peerWindow: number;
  /** What is to be said on this link, once each, before any bytes. */
  owes: { open: boolean; accept: boolean; resume: boolean; credit: boolean };
  /** It says, or has said, on this link what it has received. */
  resumed: boolean;
  /** On this link both know where this end goes on sending. */
  synced: boolean;
  /** Since when it is not; undefined while it is. */
  cutAt: number | undefined;
};

type Opening = Pick<StreamEnd, 'id' | 'kind' | 'body' | 'opener'>;

/** A fresh end. `peerWindow` is what the other side takes before it says more. */
export const streamEnd = (
  opening: Opening,
  ownWindow: number,
  peerWindow: number,
  cutAt: number | undefined,
): StreamEnd => ({
  ...opening,
  answer: undefined,
  out: outflow(peerWindow),
  in: inflow(ownWindow),
  peerWindow,
  owes: { open: opening.opener, accept: false, resume: false, credit: false },
  resumed: false,
  synced: cutAt === undefined,
  cutAt,
});

/** Both halves are over, and this end has nothing to wait for. */
export const isOver = (end: StreamEnd): boolean => isFinished(end.out) && isDrained(end.in);

/** True if it has one of the short frames to send that go before bytes. */
export const owesWord = (end: StreamEnd): boolean =>
  end.owes.open || end.owes.accept || end.owes.resume || (end.owes.credit && mayTalk(end));

/** True if it has bytes or its end to send on this link. */
export const owesBytes = (end: StreamEnd): boolean =>
  end.synced && mayTalk(end) && hasToSend(end.out);

/** True if it has less than a frame of bytes: more may come soon that could ride along. */
export const isTail = (end: StreamEnd, frameBytesMax: number): boolean =>
  !owesWord(end) && end.out.total - end.out.next < frameBytesMax - dataHeadBytes;

/** The next frame of this end on this link; what it says is then no longer owed. */
export function nextFrame(
  end: StreamEnd,
  frameBytesMax: number,
  alloc: Alloc,
): Uint8Array | undefined {
  const { id, owes } = end;
  if (owes.open) {
    owes.open = false;
    const { kind, body } = end;
    return encodeStreamFrame({ is: 'open', id, window: end.in.window, kind, body });
  }
  if (owes.accept) {
    owes.accept = false;
    const body = end.answer ?? {};
    return encodeStreamFrame({ is: 'accept', id, window: end.in.window, body });
  }
  if (owes.resume) {
    owes.resume = false;
    return encodeStreamFrame({ is: 'resume', id, offset: end.in.received });
  }
  if (owes.credit && mayTalk(end)) {
    owes.credit = false;
    end.in.credited = end.in.consumed;
    return encodeStreamFrame({ is: 'credit', id, offset: end.in.consumed });
  }
  return owesBytes(end) ? nextData(end, frameBytesMax, alloc) : undefined;
}

/** A new link: all that may have been lost with the old one is said again. */
export function linkChanged(end: StreamEnd): void {
  const { owes } = end;
  owes.open = end.opener && end.answer === undefined;
  owes.resume = true;
  owes.credit = end.in.consumed > 0;
  end.resumed = true;
}

function nextData(end: StreamEnd, frameBytesMax: number, alloc: Alloc): Uint8Array {
  const { id, out } = end;
  const offset = out.next;
  const length = Math.min(out.total - offset, frameBytesMax - dataHeadBytes);
  if (length === 0) {
    wasSent(out, 1);
    return encodeStreamFrame({ is: 'end', id, offset });
  }
  const frame = dataFrame(id, offset, length, alloc);
  nextBytes(out, frame, dataHeadBytes);
  wasSent(out, length);
  return frame;
}

/** The side that was asked says nothing of its own before it has accepted. */
const mayTalk = (end: StreamEnd): boolean => end.opener || end.answer !== undefined;
