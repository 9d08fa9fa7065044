import type { dependencyShapes } from '../../src/protocol/dependency-shapes.ts';
import type { Body, Reply } from '../../src/protocol/messages.ts';
import type { scheduleShapes } from '../../src/protocol/schedule-shapes.ts';
import { at, blob, file, hash, id, owner, script, spec } from './values.ts';

const reply = {};

type Named = keyof typeof scheduleShapes | keyof typeof dependencyShapes;

/** What is said of schedules, and between jobs of which one waits for another. */
export const scheduleSamples: {
  readonly [N in Named]: { readonly body: Body<N>; readonly reply: Reply<N> };
} = {
  'schedule.add': {
    body: {
      name: 'nightly',
      cron: '0 3 * * *',
      zone: 'Europe/Berlin',
      missed: 'skip',
      overlap: 'queue',
      script,
      scriptBlob: blob,
      file: 'night.job',
      inputs: [file],
    },
    reply: { name: 'nightly', nextAt: at },
  },
  'schedule.list': {
    body: {},
    reply: {
      schedules: [
        {
          name: 'nightly',
          owner,
          cron: '0 3 * * *',
          zone: 'UTC',
          missed: 'run',
          overlap: 'allow',
          paused: false,
          nextAt: at,
          lastAt: at - 1,
          lastJob: id,
          trouble: 'größer',
        },
      ],
    },
  },
  'schedule.set': { body: { name: 'nightly', to: 'paused', owner }, reply: { name: 'nightly' } },
  'schedule.keep': {
    body: {
      schedule: id,
      owner,
      name: 'nightly',
      cron: '0 3 * * *',
      zone: 'UTC',
      missed: 'run',
      overlap: 'skip',
      nextAt: at,
      made: { spec, script, scriptBlob: null, inputs: [file], digest: hash, from: '' },
    },
    reply: { name: 'nightly', nextAt: at },
  },
  'schedule.turn': {
    body: { schedule: id, to: 'on', nextAt: at },
    reply: { name: 'nightly' },
  },
  'job.await': { body: { id }, reply: { started: true, state: '', exitcode: 0 } },
  'job.moved': { body: { id, job: id, started: true, state: 'F', exitcode: 3 }, reply },
};
