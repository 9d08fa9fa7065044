import type { RecordKind } from '../../protocol/records.ts';
import type { Records } from '../../runtime/ports.ts';
import { load, pathsBelow } from '../../runtime/record.ts';
import { whole } from '../keeping.ts';
import type { Schedule } from './schedule.ts';

const kind: RecordKind<Schedule> = {
  kind: 'schedule',
  version: 1,
  fields: [
    'phase',
    'round',
    'id',
    'owner',
    'name',
    'cron',
    'zone',
    'missed',
    'overlap',
    'made',
    'nextAt',
    'skips',
    'plan',
    'lastAt',
    'lastJob',
    'trouble',
  ],
};

/** Those that wait for their time must live after a start. */
const LIVE = '/live/schedules';

export const keeping = whole<Schedule>({
  scope: 'control',
  kind,
  index: ({ phase }) => (phase === 'waiting' || phase === 'due' ? [LIVE] : []),
  isErased: ({ phase }) => phase === 'removed',
});

/** All schedules, or those of an owner. */
export const schedulesOf = (store: Records, owner?: string): readonly Schedule[] =>
  pathsBelow(store, '/schedules')
    .flatMap((path) => load(store, keeping, path)?.state ?? [])
    .filter((schedule) => owner === undefined || schedule.owner === owner);
