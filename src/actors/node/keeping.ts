import type { RecordKind } from '../../protocol/records.ts';
import { tomb, whole } from '../keeping.ts';
import type { NodeRecord } from './node.ts';

const kind: RecordKind<NodeRecord> = {
  kind: 'node',
  version: 1,
  fields: [
    'phase',
    'round',
    'name',
    'cluster',
    'role',
    'tokenHash',
    'expiresAt',
    'publicKey',
    'address',
    'resources',
    'version',
    'since',
    'told',
    'erased',
    'drained',
    'evictedAt',
    'labels',
  ],
};

/** Index keys of the nodes that may connect. */
export const NODES = '/nodes';
const LIVE = '/live/nodes';

export const keeping = whole<NodeRecord>({
  scope: 'control',
  kind,
  index(state) {
    if (state.phase !== 'gone') return [LIVE, NODES];
    return state.told ? [tomb(state.since)] : [LIVE];
  },
  isErased: ({ erased }) => erased,
});
