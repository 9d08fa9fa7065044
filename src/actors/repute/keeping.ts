import type { Body } from '../../protocol/messages.ts';
import type { RecordKind } from '../../protocol/records.ts';
import type { Records } from '../../runtime/ports.ts';
import { find, load } from '../../runtime/record.ts';
import { whole } from '../keeping.ts';
import type { Repute } from './repute.ts';

const kind: RecordKind<Repute> = {
  kind: 'repute',
  version: 1,
  fields: ['phase', 'round', 'remote', 'flavors'],
};

const REPUTES = '/reputes';

export const keeping = whole<Repute>({
  scope: 'control',
  kind,
  index: () => [REPUTES],
  isErased: () => false,
});

/** What is known of all sites. */
export const reputes = (store: Records): readonly Body<'scheduler.repute'>[] =>
  find(store, REPUTES, Number.MAX_SAFE_INTEGER).paths.flatMap((path) => {
    const state = load(store, keeping, path)?.state;
    return state === undefined ? [] : [{ remote: state.remote, flavors: [...state.flavors] }];
  });
