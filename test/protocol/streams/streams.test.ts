import { expect, test } from 'vitest';
import { failure } from '../../../src/protocol/errors.ts';
import {
  decodeStreamFrame,
  encodeStreamFrame,
  type StreamFrame,
} from '../../../src/protocol/streams/stream-frame.ts';
import { streams } from '../../../src/protocol/streams/stream-table.ts';
import {
  acceptStream,
  linked,
  openStream,
  pull,
  resetStream,
} from '../../../src/protocol/streams/streams.ts';
import {
  alloc,
  close,
  framesOf,
  type Half,
  id,
  join,
  listen,
  open,
  put,
  read,
  say,
  send,
  settle,
  small,
  take,
  talking,
  world,
} from './streams-world.ts';

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
  // The credit tells a writer that waits for room.
  const heard = framesOf(b).flatMap((frame) => say(a, frame));
  expect(heard.map((event) => event.is)).toEqual(['accepted', 'credit']);
  const theirs = b.ends.get(id(1));
  expect([mine.out.window, mine.in.window]).toEqual([300, 500]);
  expect([theirs?.out.window, theirs?.in.window]).toEqual([300, 300]);
});
