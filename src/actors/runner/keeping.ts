import type { RecordKind } from '../../protocol/records.ts';
import { tomb, whole } from '../keeping.ts';
import type { Runner } from './runner.ts';

const kind: RecordKind<Runner> = {
  kind: 'runner',
  version: 1,
  fields: [
    'phase',
    'round',
    'key',
    'node',
    'order',
    'go',
    'seq',
    'taken',
    'place',
    'tries',
    'stop',
    'stagedAt',
    'startedAt',
    'unenforced',
    'exit',
    'collected',
    'failure',
    'detail',
    'forgottenAt',
    'cleared',
    'erased',
    'checkpoint',
    'saveBy',
    'used',
    'usedToldAt',
  ],
};

/** A runner's record is of its worker alone. */
export const keeping = whole<Runner>({
  scope: 'node',
  kind,
  index: ({ cleared, forgottenAt }) => (cleared ? [tomb(forgottenAt)] : ['/live/runners']),
  isErased: ({ erased }) => erased,
});
