import type { Body, Reply } from '../../src/protocol/messages.ts';
import type { reputeShapes } from '../../src/protocol/repute-shapes.ts';
import { at, lost } from './values.ts';

const remote = 'azure-west';

/** The messages about how it went at sites before. */
export const reputeSamples: {
  readonly [N in keyof typeof reputeShapes]: { readonly body: Body<N>; readonly reply: Reply<N> };
} = {
  'repute.tried': {
    body: { remote, flavor: 'small', since: at, at: at + 120_000, failure: lost },
    reply: {},
  },
  'scheduler.repute': {
    body: {
      remote,
      flavors: [
        {
          flavor: 'small',
          bootMs: 90_000,
          refusals: 2,
          refusedAt: at,
          refusedUntil: at + 60_000,
          why: 'no größer ones are left',
        },
      ],
    },
    reply: {},
  },
};
