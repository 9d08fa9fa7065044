import type { Schedule } from '../../src/actors/schedule/schedule.ts';
import { scheduleSamples } from './schedule-messages.ts';
import { at, id as job } from './values.ts';

const { schedule: id, ...kept } = scheduleSamples['schedule.keep'].body;
const waiting: Schedule = {
  ...kept,
  id,
  phase: 'waiting',
  round: 1,
  skips: false,
  plan: null,
  lastAt: 0,
  lastJob: '',
  trouble: '',
};

/** One that waits for its time, and that makes its job. */
export const schedules: readonly Schedule[] = [
  waiting,
  { ...waiting, phase: 'due', plan: { job, nextAt: at + 9, isFree: true }, lastAt: at },
];
