import type { RecordKind } from '../../protocol/records.ts';
import { whole } from '../keeping.ts';
import type { Account } from './account.ts';

const kind: RecordKind<Account> = {
  kind: 'account',
  version: 1,
  fields: ['phase', 'round', 'name', 'spent', 'charges'],
};

/** Those that cost something now have to be looked after from a start on. */
const LIVE = '/live/accounts';

export const keeping = whole<Account>({
  scope: 'control',
  kind,
  index: ({ charges }) => (charges.length > 0 ? [LIVE] : []),
  isErased: () => false,
});
