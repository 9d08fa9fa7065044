import type { ScheduleRow } from '../protocol/schedule-shapes.ts';
import { exits } from './exits.ts';
import { printRows } from './lists.ts';
import type { Column } from './table.ts';
import type { Call } from './verb.ts';
import { instant, short } from './words.ts';

/** Lists schedules by their names. */
export async function run({ screen, client }: Call): Promise<number> {
  const { schedules } = await (await client()).call('schedule.list', {});
  printRows(screen, schedules, columns);
  return exits.good;
}

const columns: readonly Column<ScheduleRow>[] = [
  { title: 'NAME', of: ({ name }) => name },
  { title: 'CRON', of: ({ cron }) => cron },
  { title: 'ZONE', of: ({ zone }) => zone },
  { title: 'NEXT', of: ({ paused, nextAt }) => (paused ? 'paused' : instant(nextAt) || 'never') },
  { title: 'LAST', of: ({ lastAt }) => instant(lastAt) },
  { title: 'JOB', of: ({ lastJob }) => short(lastJob) },
  { title: 'MISSED', of: ({ missed }) => missed },
  { title: 'OVERLAP', of: ({ overlap }) => overlap },
  { title: 'OWNER', of: ({ owner }) => short(owner) },
  { title: 'TROUBLE', of: ({ trouble }) => trouble, gives: true },
];
