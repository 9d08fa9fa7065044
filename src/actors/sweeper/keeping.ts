import type { RecordKind } from '../../protocol/records.ts';
import type { Change, Millis, Records } from '../../runtime/ports.ts';
import { changes, load, NOTHING_KEPT } from '../../runtime/record.ts';
import { whole } from '../keeping.ts';
import type { Sweeper } from './sweeper.ts';

const kind: RecordKind<Sweeper> = { kind: 'sweeper', version: 1, fields: ['phase', 'since'] };

/** There is one, under this name. */
export const SWEEPER = '/sweeper';

export const keeping = whole<Sweeper>({
  scope: 'control',
  kind,
  index: () => [],
  isErased: () => false,
});

/** Since when sites are not swept; 0 if they are. */
export function unsweptSince(store: Records): Millis {
  const state = load(store, keeping, SWEEPER)?.state;
  return state?.phase === 'off' ? state.since : 0;
}

/** What a restore writes beside the records of the backup. */
export const unswept = (since: Millis): readonly Change[] =>
  changes(keeping, SWEEPER, NOTHING_KEPT, { phase: 'off', since }).changes;
