import type { entryShapes } from '../../src/protocol/entry-shapes.ts';
import type { Body, Reply } from '../../src/protocol/messages.ts';
import { at } from './values.ts';

const lab = { kind: 'account', name: 'lab', fields: { budget: 12.5 } } as const;
const gone = { kind: 'global', name: 'ports', fields: null, revision: 3 } as const;
const changes = [{ ...lab, revision: 0 }, gone];

/** The messages about what operators enter. */
export const entrySamples: {
  readonly [N in keyof typeof entryShapes]: { readonly body: Body<N>; readonly reply: Reply<N> };
} = {
  'entry.list': {
    body: { kind: 'account' },
    reply: {
      entries: [{ ...lab, entered: null, configured: lab.fields, revision: 4, by: 'ann', at }],
    },
  },
  'entry.check': { body: { changes }, reply: {} },
  'entry.change': { body: { changes }, reply: { revision: 5, of: 'account lab, global ports' } },
  'entry.put': { body: { changes, seen: 4 }, reply: { revision: 5, of: 'account lab' } },
  'account.look': { body: { account: 'lab' }, reply: {} },
};
