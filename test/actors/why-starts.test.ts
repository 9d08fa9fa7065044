import { expect, it } from 'vitest';
import { tryRemedies } from './remedies.ts';

/** `npm run why` has more of them. */
const WORLDS = 1_500;

it(`names what starts a job in the next pass, in ${WORLDS} worlds`, {
  timeout: 120_000,
}, async () => {
  const { waited, named, kinds, wrong } = await tryRemedies(1, WORLDS + 1);
  expect(wrong).toEqual([]);
  // Worlds in which nothing is named, or always the same, would prove nothing.
  expect(waited).toBeGreaterThan(WORLDS);
  expect(named).toBeGreaterThan(waited / 4);
  for (const kind of ['cpus', 'nodes', 'time', 'priority', 'constraint', 'queue', 'gang', 'cancel'])
    expect(kinds.get(kind), kind).toBeGreaterThan(0);
});
