import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Envelope } from '../../../src/protocol/envelope.ts';
import { failure, Malformed } from '../../../src/protocol/errors.ts';
import { limits } from '../../../src/protocol/limits.ts';
import { type Message, message, messages } from '../../../src/protocol/messages.ts';
import { jsonCodec, meshCodec, plainCodec } from '../../../src/protocol/wire/codec.ts';
import { jsonClientCodec, plainClientCodec } from '../../../src/protocol/wire/codec-plain.ts';
import type { Codec } from '../../../src/protocol/wire/frame.ts';
import { envelopes } from './arbitraries.ts';

const id = '0123abcd-0123-4abc-8abc-0123456789ab';
const cancel: Envelope = { is: 'call', to: '', ask: 7, message: message('job.cancel', { id }) };
const text = (frame: Uint8Array) => new TextDecoder().decode(frame);
const json = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

/** A codec for each direction of a link; both ends of the plain ones are one. */
const links: Record<string, () => { readonly here: Codec; readonly there: Codec }> = {
  mesh: () => ({ here: meshCodec(), there: meshCodec() }),
  plain: () => ({ here: plainCodec, there: plainCodec }),
  json: () => ({ here: jsonCodec, there: jsonCodec }),
  'plain, to a client': () => ({ here: plainCodec, there: plainClientCodec }),
  'json, from a client': () => ({ here: jsonClientCodec, there: jsonCodec }),
};

function malformed(run: () => unknown): Malformed {
  try {
    run();
  } catch (error) {
    if (error instanceof Malformed) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('envelopes', () => {
  it('have rows that outlive versions', () => {
    const all: Envelope[] = [
      cancel,
      { is: 'call', to: '/jobs/1', ask: 0, message: cancel.message, who: { door: 'terminal', id } },
      {
        ...{ is: 'call', to: '/jobs/1', ask: 0, message: cancel.message },
        who: { door: 'terminal', id, adminOf: 'lab' },
      },
      { is: 'reply', ask: 7, name: 'job.requeue', body: { id, run: 2 } },
      { is: 'refused', ask: 7, failure: failure('busy', 'wait') },
      { is: 'watch', watch: 3, path: '/jobs/1' },
      { is: 'unwatch', watch: 3 },
      { is: 'down', watch: 3, why: 'crashed' },
    ];
    expect(JSON.parse(text(jsonCodec.encode(all)))).toEqual([
      [19, '', 7, { id }],
      [19, '/jobs/1', 0, { id }, ['terminal', id]],
      [19, '/jobs/1', 0, { id }, ['terminal', id, 'lab']],
      [0, 7, 20, { id, run: 2 }],
      [1, 7, { code: 'busy', text: 'wait', retry: true }],
      [2, 3, '/jobs/1'],
      [3, 3],
      [4, 3, 'crashed'],
    ]);
    expect(text(plainCodec.encode([cancel]))).toContain(id);
  });

  const hasBytes = (each: Envelope) => each.is === 'call' && each.message.name === 'raft.append';

  it.each(Object.keys(links))('survive %s, frame after frame', (name) => {
    fc.assert(
      fc.property(fc.array(fc.array(envelopes, { maxLength: 5 }), { maxLength: 5 }), (frames) => {
        const { here, there } = links[name]!();
        // Only heads send bytes in messages, and heads speak no JSON.
        const fit = (each: Envelope) => !name.includes('json') || !hasBytes(each);
        for (const sent of frames.map((frame) => frame.filter(fit)))
          expect(there.decode(here.encode(sent))).toEqual(sent);
      }),
      { numRuns: 60 },
    );
  });

  it('survive a link that learns more keys than it can keep', () => {
    const here = meshCodec();
    const there = meshCodec();
    for (let round = 0; round < 3_000; round += 1) {
      const reasons = { [`k${round % 150}`]: 'a', [`l${round % 7}`]: 'b', constructor: 'c' };
      const sent: Envelope[] = [
        { is: 'reply', ask: round, name: 'scheduler.why', body: { reasons } },
        { ...cancel, ask: round },
      ];
      expect(there.decode(here.encode(sent))).toEqual(sent);
    }
  });

  it('are understood after a frame that was never sent', () => {
    const here = meshCodec();
    const there = meshCodec();
    const sent: Envelope[] = [cancel, { ...cancel, ask: 8 }];
    expect(there.decode(here.encode([cancel]))).toEqual([cancel]);
    here.encode([{ is: 'reply', ask: 1, name: 'job.requeue', body: { id, run: 1 } }]);
    here.forget();
    const reply: Envelope = { is: 'reply', ask: 1, name: 'job.requeue', body: { id, run: 1 } };
    expect(there.decode(here.encode([reply]))).toEqual([reply]);
    expect(there.decode(here.encode(sent))).toEqual(sent);
    expect(there.decode(here.encode([reply, ...sent]))).toEqual([reply, ...sent]);
  });

  it('send the keys of objects once on a mesh link', () => {
    const here = meshCodec();
    const first = here.encode([cancel]);
    expect(text(first)).toContain('id');
    expect(here.encode([cancel]).length).toBeLessThan(first.length);
  });

  it.each(Object.keys(links))('of %s are not written to again', (name) => {
    const { here } = links[name]!();
    const frame = here.encode([cancel]);
    const before = frame.slice();
    for (let ask = 0; ask < 1_000; ask += 1) here.encode([{ ...cancel, ask }]);
    expect(frame).toEqual(before);
    expect(frame.byteLength).toBe(frame.buffer.byteLength);
  });
});

describe('what does not fit', () => {
  const refused: readonly (readonly [string, unknown, string])[] = [
    ['no array', {}, '$: an array of envelopes'],
    ['no row', [7], '$: an envelope is an array'],
    ['no code', [['x']], '$[0]: a code'],
    ['an unknown code', [[15]], '$[0]: 15 is no code'],
    ['an unknown message', [[9_999, '', 0, {}]], '$[0]: 9999 is no message here'],
    ['an answer to it', [[0, 1, 9_999, {}]], '$[2]: 9999 is no message here'],
    ['no question', [[19, '', -1, { id }]], '$[2]: a whole number'],
    ['half a question', [[19, '', 1.5, { id }]], '$[2]: a whole number'],
    ['no path', [[19, 1, 0, { id }]], '$[1]: a text'],
    ['a long path', [[19, 'x'.repeat(201), 0, { id }]], '$[1]: at most 200 characters'],
    ['no body', [[19, '', 0]], '$: an object as body'],
    ['a body that is a list', [[19, '', 0, []]], '$: an object as body'],
    ['a missing field', [[19, '', 0, {}]], '$.id: is missing'],
    ['a wrong field', [[19, '', 0, { id: 1 }]], '$.id: must be string'],
    ['a wrong answer', [[0, 1, 20, { id, run: 'x' }]], '$.run: must be integer'],
    ['a deep field', [[17, '', 0, { limit: -1 }]], '$.limit: must be >= 0'],
    ['a strange door', [[19, '', 0, { id }, ['window', 'x']]], '$[4]: a door and an id'],
    ['a failure without code', [[1, 2, { text: '' }]], '$[2].code: a text'],
  ];

  it.each(refused)('%s is malformed, and the path says where', (_, value, says) => {
    expect(malformed(() => jsonCodec.decode(json(value))).message).toBe(says);
  });

  it('in an array has its index in the path', () => {
    const file = { path: '../up', sha256: 'a'.repeat(64), bytes: 1, mode: 0 };
    const frame = json([[16, '', 1, { script: '', inputs: [{ ...file, path: 'in' }, file] }]]);
    expect(malformed(() => jsonCodec.decode(frame)).at).toBe('$.inputs[1].path');
  });

  it('but is not known may be there', () => {
    const frame = json([[19, '', 7, { id, color: 'red' }, null, 'more']]);
    expect(jsonCodec.decode(frame)).toMatchObject([cancel]);
  });

  it('and may be answered is told, and the rest of its frame is read', () => {
    const told: [number, string][] = [];
    const frame = json([
      [19, '', 1, {}],
      [19, '', 7, { id }],
      [9_999, '', 3, {}],
    ]);
    const read = jsonCodec.decode(frame, (ask, { message: why }) => told.push([ask, why]));
    expect(read).toEqual([cancel]);
    expect(told).toEqual([
      [1, '$.id: is missing'],
      [3, '$[0]: 9999 is no message here'],
    ]);
    expect(malformed(() => jsonCodec.decode(json([[19, '', 0, {}]]), () => {})).at).toBe('$.id');
    expect(malformed(() => jsonCodec.decode(json([[0, 5, 20, {}]]), () => {})).at).toBe('$.id');
  });

  it('of a newer peer: its failures keep their text', () => {
    const frame = json([[1, 2, { code: 'tired', text: 'later', retry: true }]]);
    const why = { code: 'refused', text: 'later', retry: true };
    expect(jsonCodec.decode(frame)).toEqual([{ is: 'refused', ask: 2, failure: why }]);
  });

  it('as one frame', () => {
    const many = Array.from({ length: limits.frameEnvelopesMax + 1 }, () => [3, 1]);
    expect(malformed(() => jsonCodec.decode(json(many))).message).toContain('at most 128');
    const large = new Uint8Array(limits.frameBytesMax + 1);
    for (const codec of [jsonCodec, plainCodec, meshCodec()])
      expect(malformed(() => codec.decode(large)).message).toContain('a frame of at most');
    for (const codec of [jsonCodec, plainCodec, meshCodec()])
      expect(malformed(() => codec.decode(new Uint8Array(0))).at).toBe('$');
  });
});

describe('every message', () => {
  it.each(Object.keys(messages))('%s has shapes that compile', (name) => {
    const message = { name, body: {} } as unknown as Message;
    const frame = plainClientCodec.encode([{ is: 'call', to: '', ask: 0, message }]);
    try {
      plainCodec.decode(frame);
    } catch (error) {
      expect(error).toBeInstanceOf(Malformed);
    }
  });
});
