import fc from 'fast-check';
import { expect, test } from 'vitest';
import { errors, type Failure, Malformed } from '../../../src/protocol/errors.ts';
import { limits } from '../../../src/protocol/limits.ts';
import {
  dataFrame,
  decodeStreamFrame,
  encodeStreamFrame,
  isStreamFrame,
  type StreamFrame,
} from '../../../src/protocol/streams/stream-frame.ts';

const id = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join(''));
const offset = fc.nat({ max: 2 ** 48 - 1 });
const window = fc.nat({ max: 2 ** 32 - 1 });
const body = fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.integer(), fc.boolean()), {
  noNullPrototype: true,
});
const code = fc.constantFrom(...(Object.keys(errors) as Failure['code'][]));
const wellFormed = fc.string({ unit: 'grapheme', maxLength: 100 });
const kind = fc.stringMatching(/^[a-z][a-z0-9.-]{0,63}$/);

const frames: fc.Arbitrary<StreamFrame> = fc.oneof(
  fc.record({ is: fc.constant('open' as const), id, window, kind, body }),
  fc.record({ is: fc.constant('accept' as const), id, window, body }),
  fc.record({
    is: fc.constant('data' as const),
    id,
    offset,
    bytes: fc.uint8Array({ minLength: 1 }),
  }),
  fc.record({ is: fc.constantFrom('credit', 'end', 'resume'), id, offset }),
  fc.record({
    is: fc.constant('reset' as const),
    id,
    failure: fc.record({ code, text: wellFormed, retry: fc.boolean() }),
  }),
);

/** Only `Malformed` may come out of a decoder, whatever goes in. */
function decodes(bytes: Uint8Array): StreamFrame | undefined {
  try {
    return decodeStreamFrame(bytes);
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    return undefined;
  }
}

test('each frame comes back as it was written', () => {
  fc.assert(
    fc.property(frames, (frame) => {
      const bytes = encodeStreamFrame(frame);
      expect(isStreamFrame(bytes)).toBe(true);
      expect(decodeStreamFrame(bytes)).toEqual(frame);
    }),
    { numRuns: 500 },
  );
});

test('a frame inside a larger buffer is read from its own bytes', () => {
  const frame: StreamFrame = { is: 'credit', id: '0f'.repeat(16), offset: 2 ** 47 + 5 };
  const shared = new Uint8Array(100).fill(0xee);
  shared.set(encodeStreamFrame(frame), 31);
  expect(decodeStreamFrame(shared.subarray(31, 55))).toEqual(frame);
});

test('a frame is written over whatever its buffer held', () => {
  const dirty = (bytes: number) => new Uint8Array(bytes).fill(9);
  const frame = dataFrame('ab'.repeat(16), 2 ** 33 + 7, 3, dirty);
  expect(decodeStreamFrame(frame)).toEqual({
    is: 'data',
    id: 'ab'.repeat(16),
    offset: 2 ** 33 + 7,
    bytes: Uint8Array.of(9, 9, 9),
  });
});

test('whatever bytes come, nothing but Malformed is thrown', () => {
  const marked = fc.uint8Array({ maxLength: 80 }).map((bytes) => {
    bytes[0] = 0xc1;
    if (bytes.length > 1) bytes[1] = (bytes[1] as number) % 8;
    return bytes;
  });
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), marked), (bytes) => {
      decodes(bytes);
    }),
    { numRuns: 3_000 },
  );
});

test('whatever is done to a good frame, nothing but Malformed is thrown', () => {
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 4 });
  fc.assert(
    fc.property(frames, edits, fc.nat(), (frame, changes, cut) => {
      const bytes = encodeStreamFrame(frame);
      for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
      decodes(bytes.subarray(0, cut % (bytes.length + 1)));
    }),
    { numRuns: 3_000 },
  );
});

test.each([
  ['a frame that is too long', new Uint8Array(limits.streamFrameBytesMax + 1).fill(0xc1)],
  ['data without a byte', encodeStreamFrame({ is: 'end', id: '00'.repeat(16), offset: 1 })],
  ['an unknown kind of frame', new Uint8Array(24).fill(0xc1)],
])('%s is malformed', (what, bytes) => {
  if (what === 'data without a byte') bytes[1] = 2;
  expect(() => decodeStreamFrame(bytes)).toThrow(Malformed);
});

test.each(['[1]', 'null', '"x"', '{', '{"a":1}x', ''])('the body %s is malformed', (json) => {
  const good = encodeStreamFrame({ is: 'accept', id: '00'.repeat(16), window: 1, body: {} });
  const bad = new Uint8Array([...good.subarray(0, 22), ...new TextEncoder().encode(json)]);
  expect(() => decodeStreamFrame(bad)).toThrow(Malformed);
});

test('a body that is too large is refused by both sides', () => {
  const large = { text: 'x'.repeat(limits.streamBodyBytesMax) };
  const frame: StreamFrame = { is: 'accept', id: '00'.repeat(16), window: 1, body: large };
  expect(() => encodeStreamFrame(frame)).toThrow(Malformed);
  const head = encodeStreamFrame({ ...frame, body: {} }).subarray(0, 22);
  const forged = new Uint8Array([...head, ...new TextEncoder().encode(JSON.stringify(large))]);
  expect(() => decodeStreamFrame(forged)).toThrow(Malformed);
});

test('a code of a newer peer keeps its text', () => {
  const frame = encodeStreamFrame({
    is: 'reset',
    id: '00'.repeat(16),
    failure: { code: 'full', text: 'no seat', retry: true },
  });
  frame.set(new TextEncoder().encode('fuLL'), 23);
  expect(decodeStreamFrame(frame)).toMatchObject({
    failure: { code: 'refused', text: 'no seat', retry: true },
  });
});
