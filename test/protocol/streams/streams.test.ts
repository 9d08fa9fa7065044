import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failure } from '../../../src/protocol/errors.ts';
import { limits } from '../../../src/protocol/limits.ts';
import {
  decodeStreamFrame,
  encodeStreamFrame,
  type StreamFrame,
} from '../../../src/protocol/streams/stream-frame.ts';
import { hear } from '../../../src/protocol/streams/stream-hear.ts';
import { type Streams, streams } from '../../../src/protocol/streams/stream-table.ts';
import {
  acceptStream,
  expire,
  linked,
  openStream,
  pull,
  resetStream,
} from '../../../src/protocol/streams/streams.ts';
import {
  close,
  type Half,
  join,
  listen,
  lose,
  open,
  other,
  put,
  read,
  type Side,
  send,
  settle,
  small,
  take,
  type World,
  world,
} from './streams-world.ts';

const alloc = (bytes: number) => new Uint8Array(bytes);
const id = (number: number) => number.toString(16).padStart(32, '0');
const frameOf = (all: Streams): StreamFrame | undefined => {
  const bytes = pull(all, alloc);
  return bytes && decodeStreamFrame(bytes);
};
const framesOf = (all: Streams): StreamFrame[] => {
  const frames: StreamFrame[] = [];
  for (let frame = frameOf(all); frame; frame = frameOf(all)) frames.push(frame);
  return frames;
};
const say = (all: Streams, frame: StreamFrame) => hear(all, encodeStreamFrame(frame), 0);

/** A joined world with one stream that both sides know. */
function talking(config = small): World & { readonly ha: Half; readonly hb: Half } {
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

const steps = fc.array(
  fc.record({
    does: fc.constantFrom(
      ...(['open', 'put', 'put', 'put', 'read', 'read', 'close'] as const),
      ...([
        'send',
        'send',
        'send',
        'hear',
        'hear',
        'hear',
        'twice',
        'join',
        'join',
        'lose',
      ] as const),
    ),
    first: fc.boolean(),
    stream: fc.integer({ min: 1, max: 3 }),
    count: fc.integer({ min: 1, max: 90 }),
  }),
  { maxLength: 150, size: 'max' },
);
type Step = typeof steps extends fc.Arbitrary<readonly (infer S)[]> ? S : never;

function act(w: World, step: Step): void {
  const s = step.first ? w.a : w.b;
  const h = s.halves.get(id(step.stream));
  const few = 1 + (step.count % 5);
  if (step.does === 'open') open(w, s, step.stream);
  if (step.does === 'put' && h) put(s, h, step.count);
  if (step.does === 'read' && h) read(s, h, step.count);
  if (step.does === 'close' && h && step.count < 20) close(s, h);
  if (step.does === 'send') send(w, s, few);
  if (step.does === 'hear') listen(w, s, few);
  if (step.does === 'twice') listen(w, s, few, true);
  if (step.does === 'join') join(w, s);
  if (step.does === 'lose') lose(w, s);
}

/** What must hold of a side at every step. */
function check(w: World, s: Side): void {
  for (const h of s.halves.values()) {
    const peer = other(w, s).halves.get(h.end.id);
    expect(h.failed).toBe('');
    expect(h.unread).toBeLessThanOrEqual(small.windowBytes);
    expect(h.end.out.queue.length).toBeLessThanOrEqual(small.windowBytes);
    expect(h.heard).toBeLessThanOrEqual(peer?.written ?? 0);
    if (h.endHeard) expect(h.heard).toBe(peer?.written);
  }
}

test('whatever is cut, doubled or slow, the bytes arrive once and in order', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const w = world();
      for (const step of all) {
        act(w, step);
        check(w, w.a);
        check(w, w.b);
      }
      join(w, w.a);
      while (w.a.link !== w.b.link) join(w, w.a.link < w.b.link ? w.a : w.b);
      settle(w);
      for (const s of [w.a, w.b]) {
        for (const h of s.halves.values()) {
          // All is read, and credit for it has come: the writer does not wait for ever.
          expect(h.end.out.queue.length).toBeLessThan(small.windowBytes / 4);
          close(s, h);
        }
      }
      settle(w);
      for (const s of [w.a, w.b]) {
        check(w, s);
        for (const h of s.halves.values()) {
          expect(h.heard).toBe(other(w, s).halves.get(h.end.id)?.written);
          expect(h.endRead).toBe(true);
          expect(h.end.answer).toEqual({ hello: h.end.body });
        }
        expect(s.all.ends.size).toBe(0);
      }
    }),
    { numRuns: 400 },
  );
});

test('one direction goes on when the other has ended', () => {
  const w = talking();
  close(w.a, w.ha);
  settle(w);
  expect(w.hb.endRead).toBe(true);
  put(w.b, w.hb, 50);
  settle(w);
  expect(w.ha.heard).toBe(50);
  expect(w.a.all.ends.size).toBe(1);
  close(w.b, w.hb);
  settle(w);
  expect([w.a.all.ends.size, w.b.all.ends.size]).toEqual([0, 0]);
});

test('bytes may go before the accept, and a refusal ends the stream', () => {
  const b = streams(small);
  linked(b, 0);
  const [asked] = say(b, { is: 'open', id: id(1), window: 64, kind: 'test', body: { x: 1 } });
  expect(asked).toMatchObject({ is: 'opened', end: { kind: 'test', body: { x: 1 } } });
  const [early] = say(b, { is: 'data', id: id(1), offset: 0, bytes: Uint8Array.of(5) });
  expect(early).toMatchObject({ is: 'data', bytes: Uint8Array.of(5) });
  expect(framesOf(b)).toEqual([]);
  if (asked) resetStream(b, asked.end, failure('forbidden', 'not yours'), 0);
  const refusal = {
    is: 'reset',
    id: id(1),
    failure: { code: 'forbidden', text: 'not yours', retry: false },
  };
  expect(framesOf(b)).toEqual([refusal]);
  // The refusal was lost with the link: asked again, it is given again, and nothing is opened.
  linked(b, 0);
  expect(say(b, { is: 'open', id: id(1), window: 64, kind: 'test', body: {} })).toEqual([]);
  expect(framesOf(b)).toEqual([refusal]);
});

test('the side that was asked sends neither bytes nor credit before it accepts', () => {
  const w = world();
  join(w, w.a);
  const b = streams(small);
  linked(b, 0);
  const [asked] = say(b, { is: 'open', id: id(1), window: 64, kind: 'test', body: {} });
  if (asked?.is !== 'opened') throw new Error('not opened');
  expect(framesOf(b)).toEqual([]);
  acceptStream(b, asked.end, { offset: 3 });
  expect(framesOf(b)).toEqual([{ is: 'accept', id: id(1), window: 64, body: { offset: 3 } }]);
});

const broken: readonly (readonly [string, StreamFrame])[] = [
  ['more than the window', { is: 'data', id: id(1), offset: 0, bytes: new Uint8Array(65) }],
  ['a gap', { is: 'data', id: id(1), offset: 1, bytes: new Uint8Array(1) }],
  ['credit for bytes that were not sent', { is: 'credit', id: id(1), offset: 1 }],
  ['an end before the last byte', { is: 'end', id: id(1), offset: 4 }],
  ['an open by both sides', { is: 'open', id: id(1), window: 64, kind: 'test', body: {} }],
];
test.each(broken)('%s resets the stream on both sides, and no other', (_, frame) => {
  const w = talking();
  open(w, w.a, 2);
  settle(w);
  take(w, w.a, encodeStreamFrame(frame));
  expect(w.ha.failed).toBe('malformed');
  settle(w);
  expect(w.hb.failed).toBe('malformed');
  expect([...w.a.all.ends.keys()]).toEqual([id(2)]);
  expect([...w.b.all.ends.keys()]).toEqual([id(2)]);
});

test('the window counts from what credit was given for, not from what was received', () => {
  const w = talking();
  put(w.b, w.hb, 64);
  send(w, w.b, 9);
  listen(w, w.a, 9);
  take(w, w.a, encodeStreamFrame({ is: 'data', id: id(1), offset: 64, bytes: new Uint8Array(1) }));
  expect(w.ha.failed).toBe('malformed');
});

test('a second resume on a link changes nothing', () => {
  const w = talking();
  const resume: StreamFrame = { is: 'resume', id: id(1), offset: 0 };
  join(w, w.a);
  join(w, w.b);
  say(w.a.all, resume);
  put(w.a, w.ha, 10);
  expect(framesOf(w.a.all).map((frame) => frame.is)).toEqual(['resume', 'data']);
  say(w.a.all, resume);
  expect(framesOf(w.a.all)).toEqual([]);
});

test('bytes behind the end are refused', () => {
  const w = talking();
  put(w.b, w.hb, 5);
  close(w.b, w.hb);
  settle(w);
  take(w, w.a, encodeStreamFrame({ is: 'data', id: id(1), offset: 6, bytes: new Uint8Array(1) }));
  expect(w.ha.failed).toBe('malformed');
});

test('a slow reader holds up its own stream only, and loses nothing', () => {
  const w = talking();
  open(w, w.a, 2);
  settle(w);
  const fast = w.a.halves.get(id(2)) as Half;
  const fastReader = w.b.halves.get(id(2)) as Half;
  for (let round = 0; round < 50; round += 1) {
    put(w.a, w.ha, 40);
    put(w.a, fast, 40);
    send(w, w.a, 100);
    listen(w, w.b, 100);
    read(w.b, fastReader, 100);
    send(w, w.b, 100);
    listen(w, w.a, 100);
  }
  expect(w.ha.written).toBe(small.windowBytes);
  expect(w.hb.unread).toBe(small.windowBytes);
  expect(fastReader.heard).toBe(2_000);
});

test('streams with bytes to send take turns, and short frames go first', () => {
  const w = talking();
  open(w, w.a, 2);
  settle(w);
  const second = w.a.halves.get(id(2)) as Half;
  put(w.a, w.ha, 60);
  put(w.a, second, 40);
  put(w.b, w.hb, 20);
  send(w, w.b, 9);
  listen(w, w.a, 9);
  read(w.a, w.ha, 20);
  const told = framesOf(w.a.all).map((frame) => [frame.is, Number(`0x${frame.id}`)]);
  expect(told).toEqual([
    ['credit', 1],
    ['data', 1],
    ['data', 2],
    ['data', 1],
    ['data', 2],
    ['data', 1],
  ]);
});

test('while only whole frames are wanted, less waits for more, but not for ever', () => {
  const w = talking();
  open(w, w.a, 2);
  settle(w);
  const second = w.a.halves.get(id(2)) as Half;
  const next = (whole: boolean) => {
    const bytes = pull(w.a.all, alloc, whole);
    const frame = bytes && decodeStreamFrame(bytes);
    return frame?.is === 'data' ? [Number(`0x${frame.id}`), frame.bytes.length] : frame?.is;
  };
  put(w.a, w.ha, 19);
  put(w.a, second, 25);
  expect([next(true), next(true)]).toEqual([[2, 20], undefined]);
  put(w.a, w.ha, 1);
  expect([next(true), next(true)]).toEqual([[1, 20], undefined]);
  put(w.a, w.ha, 3);
  close(w.a, w.ha);
  expect(next(true)).toBeUndefined();
  expect([next(false), next(false), next(false), next(false)]).toEqual([
    [2, 5],
    [1, 3],
    'end',
    undefined,
  ]);
});

test('a stream without a link waits, and is reset when its time is over', () => {
  const w = talking();
  put(w.a, w.ha, 10);
  lose(w, w.a);
  lose(w, w.b);
  expect(expire(w.a.all, w.clock + small.resumeMs - 1)).toEqual([]);
  expect(expire(w.a.all, w.clock + small.resumeMs)).toMatchObject([
    { is: 'reset', end: { id: id(1) }, failure: { code: 'unreachable' } },
  ]);
  // The other side, whose time is not over, hears of it on the next link.
  join(w, w.a);
  join(w, w.b);
  settle(w);
  expect(w.hb.failed).toBe('unreachable');
});

test('a new link in time starts the wait anew', () => {
  const w = talking();
  lose(w, w.a);
  lose(w, w.b);
  w.clock += small.resumeMs - 1;
  join(w, w.a);
  join(w, w.b);
  settle(w);
  w.clock += small.resumeMs * 5;
  expect(expire(w.a.all, w.clock)).toEqual([]);
  lose(w, w.a);
  expect(expire(w.a.all, w.clock + small.resumeMs - 1)).toEqual([]);
});

test('a peer that was restarted resets what it does not know', () => {
  const w = talking();
  put(w.a, w.ha, 10);
  const reborn = world().b;
  linked(reborn.all, 0);
  linked(w.a.all, 0);
  for (const frame of framesOf(w.a.all)) hear(reborn.all, encodeStreamFrame(frame), 0);
  const [word, ...more] = framesOf(reborn.all);
  expect(more).toEqual([]);
  expect(word).toMatchObject({ is: 'reset', failure: { code: 'lost', retry: true } });
});

test('a peer that was restarted before its accept arrived is asked again', () => {
  const w = world();
  join(w, w.a);
  open(w, w.a, 1);
  const mine = w.a.halves.get(id(1)) as Half;
  put(w.a, mine, 30);
  send(w, w.a, 9);
  join(w, w.a);
  join(w, w.b);
  settle(w);
  expect(w.b.halves.get(id(1))?.heard).toBe(30);
  expect(mine.end.answer).toEqual({ hello: { number: 1 } });
});

test('credit that was lost with a link is given again on the next', () => {
  const w = talking();
  put(w.a, w.ha, 64);
  send(w, w.a, 9);
  listen(w, w.b, 9);
  read(w.b, w.hb, 64);
  send(w, w.b, 9);
  join(w, w.a);
  join(w, w.b);
  settle(w);
  put(w.a, w.ha, 64);
  expect(w.ha.written).toBe(128);
});

test('the last credit is given again to who missed it', () => {
  const w = talking();
  put(w.b, w.hb, 5);
  close(w.b, w.hb);
  close(w.a, w.ha);
  send(w, w.b, 9);
  listen(w, w.a, 9);
  send(w, w.a, 9);
  listen(w, w.b, 9);
  read(w.b, w.hb, 99);
  send(w, w.b, 9);
  listen(w, w.a, 9);
  read(w.a, w.ha, 99);
  expect(w.a.all.ends.size).toBe(0);
  expect(w.b.all.ends.size).toBe(1);
  send(w, w.a, 9);
  join(w, w.a);
  join(w, w.b);
  settle(w);
  expect(w.hb.failed).toBe('');
  expect(w.b.all.ends.size).toBe(0);
});

test('neither side takes more streams than the limit', () => {
  const w = world();
  join(w, w.a);
  join(w, w.b);
  for (let number = 1; number <= small.streamsMax; number += 1) open(w, w.a, number);
  expect(() => open(w, w.a, 99)).toThrow(/limit/);
  settle(w);
  const wide = streams({ ...small, streamsMax: 99 });
  linked(wide, 0);
  const extra = openStream(wide, { id: id(77), kind: 'test', body: {} }, 0);
  for (const frame of framesOf(wide)) take(w, w.b, encodeStreamFrame(frame));
  expect(framesOf(w.b.all)).toMatchObject([{ is: 'reset', failure: { code: 'busy' } }]);
  expect(w.b.all.ends.has(extra.id)).toBe(false);
});

test('what is kept of ended streams, and answered to unknown ones, is bounded', () => {
  const b = streams({ ...small, streamsMax: 1e6 });
  linked(b, 0);
  for (let number = 1; number < limits.streamGravesMax * 2; number += 1) {
    const [asked] = say(b, { is: 'open', id: id(number), window: 64, kind: 'test', body: {} });
    if (asked) resetStream(b, asked.end, failure('refused', ''), 0);
    say(b, { is: 'resume', id: id(number + 1e6), offset: 0 });
  }
  expect(b.graves.size).toBe(limits.streamGravesMax);
  expect(b.answers.size).toBeLessThanOrEqual(limits.streamGravesMax);
  expire(b, small.resumeMs);
  expect(b.graves.size).toBe(0);
});

test('a larger window holds when both sides want it', () => {
  const a = streams(small);
  const b = streams(small);
  linked(a, 0);
  linked(b, 0);
  const mine = openStream(a, { id: id(1), kind: 'test', body: {}, windowBytes: 500 }, 0);
  expect(mine.out.window).toBe(64);
  for (const frame of framesOf(a)) {
    for (const event of say(b, frame))
      if (event.is === 'opened') acceptStream(b, event.end, {}, 300);
  }
  for (const frame of framesOf(b)) say(a, frame);
  const theirs = b.ends.get(id(1));
  expect([mine.out.window, mine.in.window]).toEqual([300, 500]);
  expect([theirs?.out.window, theirs?.in.window]).toEqual([300, 300]);
});
