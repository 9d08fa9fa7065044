import type { Schedule } from '../../src/actors/schedule/schedule.ts';
import type { Body } from '../../src/protocol/messages.ts';
import { NOW } from './stage.ts';
import { ID, spec } from './things.ts';

export const SCHEDULE = '44444444-2222-8333-8444-555555555555';
export const MINUTE = 60_000;

export const keepOf = (change: Partial<Body<'schedule.keep'>> = {}): Body<'schedule.keep'> => ({
  schedule: SCHEDULE,
  owner: 'ann',
  name: 'nightly',
  cron: '* * * * *',
  zone: 'UTC',
  missed: 'run',
  overlap: 'allow',
  nextAt: NOW + MINUTE,
  made: {
    spec: spec(),
    script: 'true\n',
    scriptBlob: null,
    inputs: [],
    digest: 'd1',
    from: '',
  },
  ...change,
});

/** One that is kept. */
export function aSchedule(change: Partial<Schedule> = {}): Schedule {
  const { schedule: id, ...kept } = keepOf();
  const before = { lastAt: 0, lastJob: ID, trouble: '', skips: false, plan: null };
  return { ...kept, ...before, id, phase: 'waiting', round: 1, ...change };
}
