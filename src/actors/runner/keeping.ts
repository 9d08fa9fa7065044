import type { RecordKind } from '../../protocol/records.ts';
import { whole } from '../keeping.ts';
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
  ],
};

/** A runner's record is of its worker alone. */
export const keeping = whole<Runner>('node', kind, ({ phase }) =>
  phase === 'forgotten' ? [] : ['/live/runners'],
);
