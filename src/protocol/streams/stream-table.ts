import type { Failure } from '../errors.ts';
import { limits } from '../limits.ts';
import { isOver, owesBytes, owesWord, type StreamEnd } from './stream-end.ts';
import { encodeStreamFrame } from './stream-frame.ts';

export type StreamsConfig = {
  /** What every end takes before it gives credit; both sides of a link must agree. */
  readonly windowBytes: number;
  readonly frameBytes: number;
  readonly resumeMs: number;
  readonly streamsMax: number;
};

/** What the one who drives the streams is to do. */
export type StreamEvent =
  /** The peer asks: answer with `acceptStream` or `resetStream`. */
  | { readonly is: 'opened'; readonly end: StreamEnd }
  | { readonly is: 'accepted'; readonly end: StreamEnd }
  /** Hand it to the reader, and call `consume` when the reader has taken it. */
  | { readonly is: 'data'; readonly end: StreamEnd; readonly bytes: Uint8Array }
  /** No more data will come. The reader's taking notice is `consume` of one. */
  | { readonly is: 'ended'; readonly end: StreamEnd }
  /** There may be room to write; or all, with the end, was consumed (`isFinished`). */
  | { readonly is: 'credit'; readonly end: StreamEnd }
  /** It is gone, and nothing further may be done with it. */
  | { readonly is: 'reset'; readonly end: StreamEnd; readonly failure: Failure };

/**
 * All streams between two peers, whichever link joins them now. No I/O and no clock: frames go in
 * by `hear` and come out by `pull`, one at a time, each stream in its turn. A link must deliver
 * in order and lose nothing until it is cut; what a cut loses is found by the offsets that both
 * sides tell each other on the next link.
 */
export type Streams = {
  readonly config: StreamsConfig;
  readonly ends: Map<string, StreamEnd>;
  /** Ends with a short frame to send, and ends with bytes to send, in the order of their turn. */
  readonly words: Set<StreamEnd>;
  readonly bytes: Set<StreamEnd>;
  /** Ends whose bytes do not fill a frame and wait for more, for a moment. */
  readonly tails: Set<StreamEnd>;
  /** The last word of ended streams, for a peer that missed it. */
  readonly graves: Map<string, { readonly word: Uint8Array; readonly at: number }>;
  /** Last words to send now, by stream. */
  readonly answers: Map<string, Uint8Array>;
  linked: boolean;
  now: number;
};

export const streamsConfig: StreamsConfig = {
  windowBytes: limits.streamWindowBytes,
  frameBytes: limits.streamFrameBytes,
  resumeMs: limits.streamResumeMs,
  streamsMax: limits.streamsMax,
};

export const streams = (config: StreamsConfig): Streams => ({
  config,
  ends: new Map(),
  words: new Set(),
  bytes: new Set(),
  tails: new Set(),
  graves: new Map(),
  answers: new Map(),
  linked: false,
  now: 0,
});

/** It has been neither reset nor brought to its end. */
export const isOpen = (all: Streams, end: StreamEnd): boolean => all.ends.get(end.id) === end;

/** Buries an end that is over, else gives it its turn if it has something to send. */
export function settle(all: Streams, end: StreamEnd): void {
  if (!isOpen(all, end)) return;
  if (!isOver(end)) {
    touch(all, end);
    return;
  }
  const word = encodeStreamFrame({ is: 'credit', id: end.id, offset: end.in.consumed });
  bury(all, end, word);
  if (end.owes.credit) say(all, end.id, word);
}

/** Puts an end into the turns that it wants. */
export function touch(all: Streams, end: StreamEnd): void {
  if (!all.linked || !isOpen(all, end)) return;
  if (owesWord(end)) all.words.add(end);
  if (!owesBytes(end)) return;
  all.tails.delete(end);
  all.bytes.add(end);
}

/** Takes an end out and keeps its last word for a peer that asks again. */
export function bury(all: Streams, end: StreamEnd, word: Uint8Array): void {
  forget(all, end);
  all.graves.set(end.id, { word, at: all.now });
  for (const id of all.graves.keys()) {
    if (all.graves.size <= limits.streamGravesMax) break;
    all.graves.delete(id);
  }
}

/** Takes an end out without a word to the peer. */
export function forget(all: Streams, end: StreamEnd): void {
  all.ends.delete(end.id);
  all.words.delete(end);
  all.bytes.delete(end);
  all.tails.delete(end);
}

/** Sends a last word. A flood of frames for unknown streams must not grow what is answered. */
export function say(all: Streams, id: string, word: Uint8Array): void {
  if (all.linked && all.answers.size < limits.streamGravesMax) all.answers.set(id, word);
}

/** The window of one end, from the wish of who uses it. */
export const windowOf = (all: Streams, wanted = 0): number =>
  Math.max(all.config.windowBytes, Math.min(wanted, limits.streamWindowBytesMax));

/** What may be under way: as much as the other side takes, if this side wants to keep so much. */
export const agreed = (all: Streams, theirs: number, ours: number): number =>
  Math.max(all.config.windowBytes, Math.min(theirs, ours));
