import type { StreamEnd } from '../../../src/protocol/streams/stream-end.ts';
import {
  decodeStreamFrame,
  encodeStreamFrame,
  type StreamFrame,
} from '../../../src/protocol/streams/stream-frame.ts';
import { hear } from '../../../src/protocol/streams/stream-hear.ts';
import {
  type Streams,
  type StreamsConfig,
  streams,
} from '../../../src/protocol/streams/stream-table.ts';
import {
  acceptStream,
  consume,
  cut,
  finish,
  linked,
  openStream,
  pull,
  write,
} from '../../../src/protocol/streams/streams.ts';

/** What one side of a stream has done and seen. */
export type Half = {
  readonly end: StreamEnd;
  /** Bytes given to `write` so far, and whether the end was. */
  written: number;
  finished: boolean;
  /** Bytes heard and not yet read; all bytes read, and whether the end was. */
  unread: number;
  heard: number;
  endHeard: boolean;
  endRead: boolean;
  failed: string;
};

export type Side = {
  readonly name: 'a' | 'b';
  readonly all: Streams;
  readonly halves: Map<string, Half>;
  /** The number of the link that this side thinks it has; 0: none. */
  link: number;
  /** The last link that it had; it never comes back to that. */
  last: number;
};

/** Two sides, and links between them, of which a cut loses what is under way. */
export type World = {
  readonly a: Side;
  readonly b: Side;
  readonly wires: Map<string, Uint8Array[]>;
  links: number;
  clock: number;
};

export const small: StreamsConfig = {
  windowBytes: 64,
  frameBytes: 24 + 20,
  resumeMs: 1_000,
  streamsMax: 8,
};

const side = (name: 'a' | 'b', config: StreamsConfig): Side => ({
  name,
  all: streams(config),
  halves: new Map(),
  link: 0,
  last: 0,
});

export const world = (config = small): World => ({
  a: side('a', config),
  b: side('b', config),
  wires: new Map(),
  links: 0,
  clock: 0,
});

export const other = (w: World, s: Side): Side => (s === w.a ? w.b : w.a);
/** Room for a frame, never empty: what is not written shows. */
export const alloc = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(0xaa);

/** The byte that a side writes at an offset of a stream; wrong places show as wrong bytes. */
export const byteAt = (id: string, from: string, offset: number): number =>
  (offset * 31 + (offset >> 5) + id.charCodeAt(31) * 7 + from.charCodeAt(0)) & 0xff;

const half = (end: StreamEnd): Half => ({
  end,
  written: 0,
  finished: false,
  unread: 0,
  heard: 0,
  endHeard: false,
  endRead: false,
  failed: '',
});

export function open(w: World, s: Side, number: number): void {
  const name = id(number);
  if (s.halves.has(name) || other(w, s).halves.has(name)) return;
  const end = openStream(s.all, { id: name, kind: 'test', body: { number } }, w.clock);
  s.halves.set(name, half(end));
}

export function put(s: Side, h: Half, count: number): void {
  if (h.finished || h.failed) return;
  const bytes = Uint8Array.from({ length: count }, (_, at) =>
    byteAt(h.end.id, s.name, h.written + at),
  );
  h.written += write(s.all, h.end, bytes);
}

export function close(s: Side, h: Half): void {
  h.finished = true;
  finish(s.all, h.end);
}

export function read(s: Side, h: Half, count: number): void {
  const bytes = Math.min(count, h.unread);
  h.unread -= bytes;
  consume(s.all, h.end, bytes);
  if (h.endHeard && h.unread === 0 && !h.endRead) {
    h.endRead = true;
    consume(s.all, h.end, 1);
  }
}

/** One side joins the newest link, or makes a newer one if it has had that. */
export function join(w: World, s: Side): void {
  if (s.last === w.links) w.links += 1;
  s.link = w.links;
  s.last = w.links;
  linked(s.all, w.clock);
}

export function lose(w: World, s: Side): void {
  s.link = 0;
  cut(s.all, w.clock);
}

const wire = (w: World, from: Side, link: number): Uint8Array[] => {
  const name = `${from.name}${link}`;
  const frames = w.wires.get(name) ?? [];
  w.wires.set(name, frames);
  return frames;
};

/** Lets a side send up to that many frames, perhaps only `whole` ones. Returns how many. */
export function send(w: World, s: Side, count: number, whole = false): number {
  let sent = 0;
  for (; sent < count; sent += 1) {
    const frame = pull(s.all, alloc, whole);
    if (!frame) break;
    if (s.link > 0) wire(w, s, s.link).push(frame);
  }
  return sent;
}

/** Lets a side hear up to that many frames of its link; a resume perhaps twice. */
export function listen(w: World, s: Side, count: number, twice = false): number {
  if (s.link === 0) return 0;
  const frames = wire(w, other(w, s), s.link);
  let heard = 0;
  for (; heard < count && frames.length > 0; heard += 1) {
    const frame = frames.shift() as Uint8Array;
    take(w, s, frame);
    if (twice && decodeStreamFrame(frame).is === 'resume') take(w, s, frame);
  }
  return heard;
}

export function take(w: World, s: Side, frame: Uint8Array): void {
  for (const event of hear(s.all, frame, w.clock)) {
    if (event.is === 'opened') {
      s.halves.set(event.end.id, half(event.end));
      acceptStream(s.all, event.end, { hello: event.end.body });
    }
    const h = s.halves.get(event.end.id) as Half;
    if (event.is === 'data') {
      const from = other(w, s).name;
      for (const [at, byte] of event.bytes.entries()) {
        if (byte !== byteAt(h.end.id, from, h.heard + at)) throw new Error('a wrong byte');
      }
      h.heard += event.bytes.length;
      h.unread += event.bytes.length;
    }
    if (event.is === 'ended') h.endHeard = true;
    if (event.is === 'reset') h.failed = event.failure.code;
  }
}

/** Sends, hears and reads on both sides until nothing moves. */
export function settle(w: World): void {
  for (let moved = 1; moved > 0; ) {
    moved = 0;
    for (const s of [w.a, w.b]) {
      moved += send(w, s, 1_000) + listen(w, s, 1_000);
      for (const h of s.halves.values()) read(s, h, 1_000);
    }
  }
}

/** The id of a stream by its number. */
export const id = (number: number) => number.toString(16).padStart(32, '0');
const frameOf = (all: Streams): StreamFrame | undefined => {
  const bytes = pull(all, alloc);
  return bytes && decodeStreamFrame(bytes);
};
/** All that a side has to send. */
export const framesOf = (all: Streams): StreamFrame[] => {
  const frames: StreamFrame[] = [];
  for (let frame = frameOf(all); frame; frame = frameOf(all)) frames.push(frame);
  return frames;
};
/** Lets a side hear one frame. */
export const say = (all: Streams, frame: StreamFrame) => hear(all, encodeStreamFrame(frame), 0);

/** A joined world with one stream that both sides know. */
export function talking(config = small): World & { readonly ha: Half; readonly hb: Half } {
  const w = world(config);
  join(w, w.a);
  join(w, w.b);
  open(w, w.a, 1);
  settle(w);
  return Object.assign(w, {
    ha: w.a.halves.get(id(1)) as Half,
    hb: w.b.halves.get(id(1)) as Half,
  });
}
