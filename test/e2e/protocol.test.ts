import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { socketsTo } from '../../src/connect.ts';
import { dev, folder, until } from './lab.ts';

const guide = join(import.meta.dirname, '../../docs/protocol.md');

type Line = { readonly by: string; readonly text: string };

const transcript: readonly Line[] = [
  ...readFileSync(guide, 'utf8').matchAll(/^ {4}([→←]) (.+)$/gm),
].map(([, by = '', text = '']) => ({ by, text }));

/** In the guide it stands for anything, and as a field for all that are not named. */
const ANY = '…';
const idOf = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
const EPOCH_MS = 1e12;

/** What is the case instead of what the guide has, with its ids and times where those differ. */
function asTold(told: unknown, real: unknown, ids: Map<string, string>): unknown {
  if (told === ANY && real !== undefined) return told;
  if (typeof told === 'string' && typeof real === 'string') {
    if (told.search(idOf) !== 0 || real.search(idOf) !== 0) return real;
    if (!ids.has(told)) ids.set(told, real);
    return ids.get(told) === real ? told : real;
  }
  if (typeof told === 'number' && typeof real === 'number')
    return told > EPOCH_MS && real > EPOCH_MS ? told : real;
  if (Array.isArray(told) && Array.isArray(real))
    return real.map((each, at) => asTold(told[at], each, ids));
  if (!isObject(told) || !isObject(real)) return real;
  const fields = ANY in told ? Object.keys(told) : Object.keys(real);
  return Object.fromEntries(
    fields.map((field) => [field, field === ANY ? ANY : asTold(told[field], real[field], ids)]),
  );
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

it('the transcript in docs/protocol.md is what a head says', async () => {
  const node = await dev(join(await folder(), 'spool'));
  const socket = await socketsTo({ spool: node.spool }, 'swm.v1+json')(0);
  const answers = new Map<unknown, unknown>();
  socket.onFrame((frame) => {
    for (const row of JSON.parse(new TextDecoder().decode(frame)) as unknown[][])
      answers.set(row[1], row);
  });
  const ids = new Map<string, string>();
  for (const { by, text } of transcript) {
    if (by === '→') {
      const said = text.replace(idOf, (id) => ids.get(id) ?? id);
      expect(socket.send(new TextEncoder().encode(said))).toBe(true);
      continue;
    }
    const [told] = JSON.parse(text) as unknown[][];
    await until(() => answers.has(told?.[1]));
    expect(asTold(told, answers.get(told?.[1]), ids)).toEqual(told);
  }
  // All that was asked is in the guide, and nothing was left out of it.
  expect(answers.size).toBe(transcript.filter(({ by }) => by === '←').length);
  expect(answers.size).toBeGreaterThan(5);
  socket.close('the transcript is over');
});
