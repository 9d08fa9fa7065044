import type { RecordKind } from '../../protocol/records.ts';
import { whole } from '../keeping.ts';
import type { Cluster } from './cluster.ts';

const kind: RecordKind<Cluster> = {
  kind: 'cluster',
  version: 1,
  fields: [
    'phase',
    'round',
    'name',
    'owner',
    'made',
    'job',
    'externalId',
    'members',
    'holds',
    'left',
    'expected',
    'tries',
    'detail',
    'failure',
    'since',
    'createdAt',
  ],
};

/** Index keys of the clusters that exist, as far as we know. */
export const CLUSTERS = '/clusters';

export const keeping = whole<Cluster>('control', kind, ({ phase }) =>
  phase === 'gone' ? [] : ['/live/clusters', CLUSTERS],
);
