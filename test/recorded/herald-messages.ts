import type { heraldShapes } from '../../src/protocol/job-change.ts';
import type { Body, Reply } from '../../src/protocol/messages.ts';
import { at, id, spec } from './values.ts';

/** The messages about changes that are told. */
export const heraldSamples: {
  readonly [N in keyof typeof heraldShapes]: { readonly body: Body<N>; readonly reply: Reply<N> };
} = {
  'herald.tell': {
    body: {
      job: id,
      url: spec.notify,
      changes: [
        {
          seq: 7,
          at,
          name: 'größer',
          state: 'F',
          phase: 'releasing',
          details: '',
          exitcode: 3,
          signal: 0,
          attempt: 2,
          run: 1,
          submittedAt: at,
          startedAt: at + 120,
          endedAt: at + 5_000,
        },
      ],
    },
    reply: { seq: 7 },
  },
  'herald.forget': { body: { job: id, before: at }, reply: {} },
};
