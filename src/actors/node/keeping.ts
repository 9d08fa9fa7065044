import type { RecordKind } from '../../protocol/records.ts';
import { whole } from '../keeping.ts';
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
  ],
};

/** Index keys of the nodes that may connect. */
export const NODES = '/nodes';

export const keeping = whole<NodeRecord>('control', kind, ({ phase }) =>
  phase === 'gone' ? [] : ['/live/nodes', NODES],
);
