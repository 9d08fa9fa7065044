import type { RecordKind } from '../../protocol/records.ts';
import { tomb, whole } from '../keeping.ts';
import type { Herald } from './herald.ts';

const kind: RecordKind<Herald> = {
  kind: 'herald',
  version: 1,
  fields: ['phase', 'round', 'job', 'url', 'seq', 'untold', 'tries', 'since', 'nextAt', 'erased'],
};

const LIVE = '/live/heralds';

export const keeping = whole<Herald>({
  scope: 'control',
  kind,
  index: ({ phase, since }) => [phase === 'telling' ? LIVE : tomb(since)],
  isErased: ({ erased }) => erased,
});
