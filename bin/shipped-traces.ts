import { type Making, made } from '../src/simulate/made.ts';
import { writeSwf } from '../src/simulate/swf.ts';

/** The traces of examples/traces, by their names: each is made of these numbers alone. */
const makings: Readonly<Record<string, Making>> = {
  'week-64.swf.gz': {
    ...{ seed: 2026, nodes: 64, cpus: 16, days: 7, load: 0.85, nodesMax: 32 },
    ...{ medianMs: 20 * 60_000, spread: 1.6 },
  },
  'day-16.swf': {
    ...{ seed: 11, nodes: 16, cpus: 4, days: 1, load: 0.9, nodesMax: 8 },
    ...{ medianMs: 15 * 60_000, spread: 1.4 },
  },
};

/** Each as the text of its file, before that is packed. */
export const shippedTraces = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(makings).map(([name, making]) => [
      name,
      writeSwf(made(making), remarks(making)),
    ]),
  );

const remarks = ({ seed, load, medianMs, spread, nodesMax }: Making): readonly string[] => [
  `made by bin/traces.ts with the seed ${seed}; no machine has seen these jobs`,
  `they take ${load * 100} % of all processors, and up to ${nodesMax} nodes each`,
  `half run for ${medianMs / 60_000} min at most; the logarithm of it is spread by ${spread}`,
];
