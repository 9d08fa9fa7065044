import type { RecordKind } from '../../protocol/records.ts';
import { whole } from '../keeping.ts';
import type { Group } from './group.ts';

const kind: RecordKind<Group> = { kind: 'group', version: 1, fields: ['phase', 'round', 'heads'] };

/** There is one, under this name. */
export const GROUP = '/group';

export const keeping = whole<Group>({
  scope: 'control',
  kind,
  index: () => [],
  isErased: () => false,
});
