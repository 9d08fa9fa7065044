import type { RecordKind } from '../../protocol/records.ts';
import { tomb, whole } from '../keeping.ts';
import type { Cluster } from './cluster.ts';

const kind: RecordKind<Cluster> = {
  kind: 'cluster',
  version: 2,
  fields: [
    'phase',
    'round',
    'name',
    'owner',
    'made',
    'life',
    'job',
    'externalId',
    'members',
    'holds',
    'left',
    'hashes',
    'expected',
    'tries',
    'retryAt',
    'detail',
    'failure',
    'since',
    'createdAt',
    'erased',
    'account',
    'keepMs',
    'keptUntil',
    'charged',
    'evicted',
  ],
  upgrade: (older) => ({ account: '', keepMs: 0, keptUntil: 0, charged: false, ...older }),
};

/** Index keys of the clusters that exist, as far as we know. */
export const CLUSTERS = '/clusters';
const LIVE = '/live/clusters';

export const keeping = whole<Cluster>({
  scope: 'control',
  kind,
  index(state) {
    if (state.phase !== 'gone') return [LIVE, CLUSTERS];
    return state.expected.length > 0 || state.charged ? [LIVE] : [tomb(state.since)];
  },
  isErased: ({ erased }) => erased,
});
