import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Malformed } from '../../../src/protocol/errors.ts';
import { limits } from '../../../src/protocol/limits.ts';
import { jsonCodec, meshCodec, plainCodec } from '../../../src/protocol/wire/codec.ts';
import { jsonClientCodec, plainClientCodec } from '../../../src/protocol/wire/codec-plain.ts';
import type { Codec } from '../../../src/protocol/wire/frame.ts';
import { envelopes } from './arbitraries.ts';

const codecs: Readonly<Record<string, () => Codec>> = {
  mesh: meshCodec,
  plain: () => plainCodec,
  json: () => jsonCodec,
  'a client’s plain': () => plainClientCodec,
  'a client’s json': () => jsonClientCodec,
};

/** Decodes, and lets nothing out but `Malformed`. */
function judge(codec: Codec, frame: Uint8Array): unknown {
  try {
    return codec.decode(frame, () => {});
  } catch (error) {
    if (!(error instanceof Malformed)) throw error;
    expect(error.message.length).toBeLessThan(500);
    return undefined;
  }
}

const id = '0123abcd-0123-4abc-8abc-0123456789ab';
const bytes = (...parts: readonly (number | string | Uint8Array)[]): Uint8Array =>
  new Uint8Array(
    parts.flatMap((part) =>
      typeof part === 'number' ? [part] : [...(typeof part === 'string' ? utf8(part) : part)],
    ),
  );
const utf8 = (text: string) => new TextEncoder().encode(text);
const repeated = (length: number, ...pattern: readonly number[]) =>
  new Uint8Array(length).map((_, at) => pattern[at % pattern.length]!);

afterEach(() => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(Object.getPrototypeOf({})).toBe(Object.prototype);
});

describe.each(Object.keys(codecs))('%s, given anything', (name) => {
  const make = codecs[name]!;

  it('random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (frame) => void judge(make(), frame)),
      { numRuns: 2_000 },
    );
  });

  it('frames with bytes changed, cut off, doubled and put in', () => {
    const change = fc.record({
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      take: fc.nat({ max: 4 }),
      put: fc.uint8Array({ maxLength: 6 }),
    });
    const changes = fc.array(change, { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(fc.array(envelopes, { maxLength: 4 }), changes, (sent, all) => {
        const codec = make();
        let frame = make().encode(sent);
        for (const { at, take, put } of all) {
          const from = Math.floor(at * frame.length);
          frame = bytes(frame.subarray(0, from), put, frame.subarray(from + take));
        }
        judge(codec, frame);
        judge(codec, frame);
      }),
      { numRuns: 500 },
    );
  });

  it('any values', () => {
    const value = fc.anything({
      withNullPrototype: false,
      maxDepth: 4,
      key: fc.oneof(fc.string(), odd),
    });
    const codec = make();
    fc.assert(
      fc.property(fc.array(fc.array(value, { maxLength: 5 }), { maxLength: 4 }), (rows) => {
        judge(codec, utf8(JSON.stringify(rows)));
      }),
      { numRuns: 500 },
    );
  });
});

const odd = fc.constantFrom('__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty');

describe('MessagePack that means harm', () => {
  const harm: Readonly<Record<string, Uint8Array>> = {
    'arrays in arrays in arrays': repeated(1 << 20, 0x91),
    'maps in maps': repeated(3 << 18, 0x81, 0xa1, 0x61),
    'a text of four gigabytes': bytes(0x91, 0xdb, 0xff, 0xff, 0xff, 0xff, 'x'),
    'bytes of four gigabytes': bytes(0x91, 0xc6, 0xff, 0xff, 0xff, 0xff, 'x'),
    'an array of four thousand million': bytes(0xdd, 0xff, 0xff, 0xff, 0xff, 0xc0),
    'a map of as many': bytes(0xdf, 0xff, 0xff, 0xff, 0xff, 0xc0),
    'a regular expression': bytes(0x91, 0xd4, 0x78, 0, 0x92, 0xa1, '(', 0xa0),
    'an error': bytes(0x91, 0xd4, 0x65, 0, 0x93, 0xa5, 'Error', 0xa0, 0xc0),
    'a reference': bytes(0x91, 0xd6, 0x70, 0, 0, 0, 1),
    'texts that are read again': bytes(
      0x91,
      0xd6,
      0x62,
      0xff,
      0xff,
      0xff,
      0x00,
      0xa1,
      'x',
      0xa1,
      'y',
    ),
    'a date': bytes(0x91, 0xd6, 0xff, 0, 0, 0, 0),
    'the byte of streams': bytes(0x91, 0xc1),
    'a record that nobody defined': bytes(0x91, 0xd5, 0x72, 0x41, 0x01, 0x90),
    'keys that are no array': bytes(0x91, 0xd4, 0x72, 0x40, 0xa1, 'x', 0xc0),
  };

  it.each(Object.keys(harm))('%s', (name) => {
    for (const make of [meshCodec, () => plainCodec, () => plainClientCodec])
      expect(judge(make(), harm[name]!)).toBeUndefined();
  });

  const hidden: Readonly<Record<string, Uint8Array>> = {
    'a regular expression': bytes(0xd4, 0x78, 0, 0x92, 0xa1, '(', 0xa0),
    'an error': bytes(0xd4, 0x65, 0, 0x93, 0xa5, 'Error', 0xa0, 0xc0),
    'a set': bytes(0xd4, 0x73, 0, 0x90),
    'a thing that is referred to': bytes(0xd6, 0x69, 0, 0, 0, 1, 0x90),
    'a date': bytes(0xd6, 0xff, 0, 0, 0, 0),
    'an extension of any length': bytes(0xc7, 1, 0x74, 0),
    'a large number': bytes(0xc7, 9, 0x42, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    'the byte of streams': bytes(0xc1),
  };

  it.each(Object.keys(hidden))('%s in a field that nobody knows', (name) => {
    const cancel = bytes(0x91, 0x94, 19, 0xa0, 7, 0x82, 0xa2, 'id', 0xd9, 36, id, 0xa1, 'x');
    for (const make of [meshCodec, () => plainCodec, () => plainClientCodec]) {
      expect(judge(make(), bytes(cancel, 0xc0))).toMatchObject([{ ask: 7 }]);
      expect(judge(make(), bytes(cancel, hidden[name]!))).toBeUndefined();
    }
  });

  it('claims more memory than the frame has bytes', () => {
    const frame = repeated(limits.frameBytesMax, 0xdd, 0x00, 0x30, 0x00, 0x00);
    const before = process.memoryUsage();
    for (const make of [meshCodec, () => plainCodec]) expect(judge(make(), frame)).toBeUndefined();
    const after = process.memoryUsage();
    const grown = after.heapUsed - before.heapUsed + after.external - before.external;
    expect(grown).toBeLessThan(300 << 20);
  });

  it('has __proto__ as a key: it stays a key of no meaning', () => {
    const evil = bytes(0x81, 0xa9, '__proto__', 0x81, 0xa8, 'polluted', 0xc3);
    const cancel = bytes(0x91, 0x94, 19, 0xa0, 7, 0x82, 0xa2, 'id', 0xd9, 36, id);
    for (const codec of [plainCodec, meshCodec()]) {
      const read = codec.decode(bytes(cancel, 0xa9, '__proto__', evil));
      expect(read).toMatchObject([{ ask: 7, message: { name: 'job.cancel', body: { id } } }]);
      const body = (read[0] as { message: { body: object } }).message.body;
      expect(Object.getPrototypeOf(body)).toBe(Object.prototype);
      expect('polluted' in body).toBe(false);
    }
  });

  it('learns a record with __proto__ among its keys', () => {
    const codec = meshCodec();
    const keys = bytes(0x92, 0xa9, '__proto__', 0xa2, 'id');
    const values = bytes(0x81, 0xa8, 'polluted', 0xc3, 0xd9, 36, id);
    const define = bytes(0x91, 0x94, 19, 0xa0, 7, 0xd4, 0x72, 0x41, keys, values);
    const use = bytes(0x91, 0x94, 19, 0xa0, 7, 0x41, values);
    for (const frame of [define, use, use, use, use]) {
      const [read] = codec.decode(frame) as readonly { message: { body: object } }[];
      expect('polluted' in read!.message.body).toBe(false);
      expect(read!.message.body).toMatchObject({ id });
    }
  });
});

describe('JSON that means harm', () => {
  it.each(['__proto__', '__prot\\u006f__'])('%s as a key', (key) => {
    const text = `[[19,"",7,{"id":"${id}","${key}":{"polluted":true}}]]`;
    for (const codec of [jsonCodec, jsonClientCodec]) {
      const [read] = codec.decode(utf8(text)) as readonly { message: { body: object } }[];
      expect(Object.keys(read!.message.body)).toEqual(['id']);
      expect('polluted' in Object.assign({}, read!.message.body)).toBe(false);
    }
  });

  it('is nested deeper than the stack', () => {
    const deep = '['.repeat(1_000_000) + ']'.repeat(1_000_000);
    expect(judge(jsonCodec, utf8(deep))).toBeUndefined();
    const within = `[[19,"",7,{"id":"${id}","x\\u0020":${deep}}]]`;
    judge(jsonCodec, utf8(within));
    judge(jsonCodec, utf8(within.replace('\\u0020', '')));
  });

  it('is not UTF-8', () => {
    const frame = bytes('[[19,"', 0xff, '",7,{}]]');
    expect(judge(jsonCodec, frame)).toBeUndefined();
  });
});
