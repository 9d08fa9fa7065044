import type { Entries } from '../../src/actors/entries/entries.ts';
import * as some from './values.ts';

/** What was entered of an account and of the whole. */
export const entered: Entries = {
  phase: 'open',
  revision: 2,
  entries: {
    'account/lab': {
      ...{ kind: 'account', name: 'lab', fields: { budget: 12.5 } },
      ...{ revision: 1, by: some.owner, at: some.at },
    },
    'global/ports': {
      ...{ kind: 'global', name: 'ports', fields: { out: ['submitter', '10.0.0.0/8'] } },
      ...{ revision: 2, by: some.owner, at: some.at + 60_000 },
    },
  },
};
