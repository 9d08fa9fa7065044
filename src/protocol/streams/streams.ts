import { Failed, type Failure, failure } from '../errors.ts';
import {
  isTail,
  linkChanged,
  nextFrame,
  owesBytes,
  type StreamEnd,
  streamEnd,
} from './stream-end.ts';
import { consumed, putBytes } from './stream-flow.ts';
import { type Alloc, encodeStreamFrame, isStreamId, isStreamKind } from './stream-frame.ts';
import {
  agreed,
  bury,
  isOpen,
  type StreamEvent,
  type Streams,
  say,
  settle,
  touch,
  windowOf,
} from './stream-table.ts';

export type Opening = {
  /** 32 hex digits, drawn at random. */
  readonly id: string;
  readonly kind: string;
  readonly body: object;
  /** How much this side takes, and keeps for resending, if more than usual. */
  readonly windowBytes?: number;
};

/** Opens a stream, with or without a link. Bytes may be written before it is accepted. */
export function openStream(all: Streams, opening: Opening, now: number): StreamEnd {
  if (all.ends.size >= all.config.streamsMax) {
    throw new Failed('busy', `${all.ends.size} streams to this peer are open, which is the limit`);
  }
  all.now = now;
  const { id, kind, body } = opening;
  if (!isStreamId(id) || !isStreamKind(kind)) throw new Error(`no stream: ${id} ${kind}`);
  const own = windowOf(all, opening.windowBytes);
  // Encoded once for its checks: what cannot be sent must not wait for a link to say so.
  encodeStreamFrame({ is: 'open', id, window: own, kind, body });
  const cutAt = all.linked ? undefined : now;
  const end = streamEnd({ id, kind, body, opener: true }, own, all.config.windowBytes, cutAt);
  all.ends.set(id, end);
  touch(all, end);
  return end;
}

/** Lets the peer's stream go on. `body` is the answer to its question, `window` as in `Opening`. */
export function acceptStream(all: Streams, end: StreamEnd, body: object, window?: number): void {
  if (end.opener || end.answer !== undefined || !isOpen(all, end)) return;
  const own = windowOf(all, window);
  encodeStreamFrame({ is: 'accept', id: end.id, window: own, body });
  end.answer = body;
  end.in.window = own;
  end.out.window = agreed(all, end.peerWindow, own);
  end.owes.accept = true;
  touch(all, end);
}

/** Takes what there is room for, and says how much; a `credit` event tells when to go on. */
export function write(all: Streams, end: StreamEnd, bytes: Uint8Array): number {
  const taken = end.out.ended ? 0 : putBytes(end.out, bytes);
  touch(all, end);
  return taken;
}

/** Nothing more will be written; the other direction goes on. */
export function finish(all: Streams, end: StreamEnd): void {
  end.out.ended = true;
  touch(all, end);
}

/** The reader has taken that many bytes, or the end, which counts as one. */
export function consume(all: Streams, end: StreamEnd, count: number): void {
  if (!isOpen(all, end)) return;
  if (consumed(end.in, count)) end.owes.credit = true;
  settle(all, end);
}

/** Ends a stream at once, on both sides, and says why. */
export function resetStream(all: Streams, end: StreamEnd, why: Failure, now: number): void {
  if (!isOpen(all, end)) return;
  all.now = now;
  const word = encodeStreamFrame({ is: 'reset', id: end.id, failure: why });
  bury(all, end, word);
  say(all, end.id, word);
}

/** A link is there, and nothing of it has been heard yet. */
export function linked(all: Streams, now: number): void {
  if (all.linked) cut(all, now);
  all.linked = true;
  all.now = now;
  for (const end of all.ends.values()) {
    linkChanged(end);
    touch(all, end);
  }
}

/** The link is gone, with what it had not delivered. */
export function cut(all: Streams, now: number): void {
  all.linked = false;
  all.now = now;
  all.words.clear();
  all.bytes.clear();
  all.tails.clear();
  all.answers.clear();
  for (const end of all.ends.values()) {
    end.synced = false;
    end.cutAt ??= now;
  }
}

/** Resets what has waited too long for a link. To be called now and then. */
export function expire(all: Streams, now: number): readonly StreamEvent[] {
  all.now = now;
  const before = now - all.config.resumeMs;
  for (const [id, grave] of all.graves) if (grave.at <= before) all.graves.delete(id);
  const late = [...all.ends.values()].filter((end) => (end.cutAt ?? now) <= before);
  const seconds = Math.round(all.config.resumeMs / 1000);
  const why = failure('unreachable', `the link was gone for ${seconds} s`);
  for (const end of late) resetStream(all, end, why, now);
  return late.map((end) => ({ is: 'reset', end, failure: why }));
}

/**
 * The next frame to send on this link, or undefined if there is none now. With `whole`, bytes that
 * do not fill a frame wait, as `tails`, for a pull without it.
 */
export function pull(all: Streams, alloc: Alloc, whole = false): Uint8Array | undefined {
  if (!all.linked) return undefined;
  if (all.answers.size > 0) return nextAnswer(all);
  if (!whole && all.tails.size > 0) {
    for (const end of all.tails) all.bytes.add(end);
    all.tails.clear();
  }
  if (all.words.size > 0) return pullFrom(all, all.words, alloc, false);
  return all.bytes.size > 0 ? pullFrom(all, all.bytes, alloc, whole) : undefined;
}

function nextAnswer(all: Streams): Uint8Array | undefined {
  for (const [id, word] of all.answers) {
    all.answers.delete(id);
    return word;
  }
  return undefined;
}

function pullFrom(
  all: Streams,
  turn: Set<StreamEnd>,
  alloc: Alloc,
  whole: boolean,
): Uint8Array | undefined {
  for (const end of turn) {
    if (whole && isTail(end, all.config.frameBytes)) {
      turn.delete(end);
      all.tails.add(end);
      continue;
    }
    const frame = nextFrame(end, all.config.frameBytes, alloc);
    if (turn.size > 1 || !(turn === all.bytes && owesBytes(end))) {
      turn.delete(end);
      touch(all, end);
    }
    if (frame) return frame;
  }
  return undefined;
}
