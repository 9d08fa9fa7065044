import { expect, test } from 'vitest';
import { failure } from '../../../src/protocol/errors.ts';
import { limits } from '../../../src/protocol/limits.ts';
import { encodeStreamFrame, type StreamFrame } from '../../../src/protocol/streams/stream-frame.ts';
import { hear } from '../../../src/protocol/streams/stream-hear.ts';
import { streams } from '../../../src/protocol/streams/stream-table.ts';
import { expire, linked, openStream, resetStream } from '../../../src/protocol/streams/streams.ts';
import {
  close,
  framesOf,
  type Half,
  id,
  join,
  listen,
  lose,
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
