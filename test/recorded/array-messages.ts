import type { arrayShapes } from '../../src/protocol/array-shapes.ts';
import type { Body, Reply } from '../../src/protocol/messages.ts';
import { id, lost, node } from './values.ts';

const shiftNews = {
  attempt: 2,
  from: 48,
  to: 96,
  results: [{ from: 3, to: 3, how: 'killed' as const, code: 9 }],
  granted: 3,
  wants: 100,
};
/** The messages about tasks of arrays. */
export const arraySamples: {
  readonly [N in keyof typeof arrayShapes]: { readonly body: Body<N>; readonly reply: Reply<N> };
} = {
  'shift.next': {
    body: { job: id, node, ...shiftNews },
    reply: { heard: 96, grant: 4, places: [[7, 9]], cancelled: [[8, 8]], over: false },
  },
  'array.work': {
    body: { job: id, shift: id, number: 1, losses: 0, ...shiftNews },
    reply: { heard: 0, grant: 0, places: [], cancelled: [], over: true },
  },
  'array.left': {
    body: {
      job: id,
      shift: id,
      number: 1,
      isCancelled: false,
      failure: lost,
      cost: 0.25,
      coreMs: 3_600_000,
    },
    reply: {},
  },
};
