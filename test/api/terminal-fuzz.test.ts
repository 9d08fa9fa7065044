import fc from 'fast-check';
import { expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { TERMINAL_CALLS } from '../../src/actors/session/session.ts';
import type { Envelope } from '../../src/protocol/envelope.ts';
import { messages } from '../../src/protocol/messages.ts';
import { shapes } from '../../src/protocol/shapes.ts';
import { jsonCodec } from '../../src/protocol/wire/codec.ts';
import { forAll } from '../e2e/lab.ts';
import { fitting } from '../protocol/wire/arbitraries.ts';
import { restPlace } from './rest-place.ts';

const place = forAll(() => restPlace(['--set', 'jobs.relocate=asked']));

/** A terminal of a real head, and what became of it. */
function terminal() {
  const { ann, chain, url } = place();
  const ws = new WebSocket(`${url.replace('https', 'wss')}/terminal`, ['swm.v1+json'], {
    ...ann,
    ca: chain,
  });
  const heard: Envelope[] = [];
  let over: string | undefined;
  let wake = (): void => {};
  ws.on('message', (frame: Buffer) => {
    // What the table does not allow in an answer is thrown, and fails the test.
    heard.push(...jsonCodec.decode(frame));
    wake();
  });
  ws.on('close', (_, why) => {
    over = String(why);
    wake();
  });
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds() && over === undefined)
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  };
  const opened = new Promise<void>((resolve, reject) => {
    ws.once('open', resolve).once('error', reject);
  });
  return { ws, heard, until, opened, over: () => over };
}

const codesOf = (envelopes: readonly Envelope[]): readonly string[] =>
  envelopes.flatMap((each) => (each.is === 'refused' ? [each.failure.code] : []));

const asksOf = (envelopes: readonly Envelope[]): readonly number[] =>
  envelopes.flatMap((each) => (each.is === 'reply' || each.is === 'refused' ? [each.ask] : []));

/** Calls of the table whose bodies fit, nearly fit, or have nothing to do with it. */
const calls = fc.array(
  fc.constantFrom(...TERMINAL_CALLS).chain((name) => {
    const well = fitting(shapes[name].body) as fc.Arbitrary<object>;
    const nearly = fc
      .tuple(well, fc.string({ maxLength: 8 }), fc.nat(), fc.jsonValue())
      .map(([body, other, at, value]) => {
        const fields = [...Object.keys(body), other];
        return { ...body, [fields[at % fields.length] ?? other]: value };
      });
    return fc.record({
      code: fc.constant(messages[name].code),
      to: fc.constantFrom('', '/jobs/x', '/', '..'),
      body: fc.oneof(well, nearly, fc.jsonValue()),
    });
  }),
  { minLength: 1, maxLength: 8 },
);

it('whatever is called is answered once, as the table says, and never with a bug', async () => {
  await fc.assert(
    fc.asyncProperty(calls, async (made) => {
      const { ws, heard, opened, over, until } = terminal();
      await opened;
      ws.send(JSON.stringify(made.map(({ code, to, body }, at) => [code, to, at + 1, body])));
      await until(() => heard.length >= made.length);
      // What is no envelope at all has no number that an answer could name.
      if (over() === undefined)
        expect(asksOf(heard).toSorted((a, b) => a - b)).toEqual(made.map((_, at) => at + 1));
      else expect(over()).not.toBe('');
      expect(codesOf(heard)).not.toContain('bug');
      expect(over() ?? '').not.toMatch(/\bbug\b/);
      ws.terminate();
    }),
    { numRuns: 60 },
  );
  expect(place().node.log()).not.toContain('met a bug');
}, 60_000);

it('noise is told so and hung up on, and the next terminal is served', async () => {
  const noise = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.json(),
    fc.constantFrom('[', '[[]]', '[null]', '[[27]]', '['.repeat(5_000), '{"__proto__":1}'),
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  );
  await fc.assert(
    fc.asyncProperty(noise, async (frame) => {
      const { ws, heard, opened, over, until } = terminal();
      await opened;
      ws.send(frame);
      // It follows the noise: either that was put up with, or this is not heard any more.
      ws.send(JSON.stringify([[messages['user.show'].code, '', 77, {}]]));
      await until(() => asksOf(heard).includes(77));
      expect([undefined, ...codesOf(heard)]).not.toContain('bug');
      if (over() !== undefined) expect(over()).toMatch(/\S/);
      expect(over() ?? '').not.toMatch(/\bbug\b/);
      ws.terminate();
    }),
    { numRuns: 60 },
  );
  const { ws, heard, opened, until } = terminal();
  await opened;
  ws.send(JSON.stringify([[messages['user.show'].code, '', 1, {}]]));
  await until(() => heard.length === 1);
  expect(heard.map(({ is }) => is)).toEqual(['reply']);
  ws.terminate();
}, 60_000);
