import type { Body } from '../../protocol/messages.ts';
import type { Behaviour } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';
import { isArray } from '../array/array.ts';
import { enterArray, onArray } from '../array/behaviour.ts';
import { newJob } from './birth.ts';
import { hasUntold, noticed, ofHerald, telling, withChanges } from './changes.ts';
import { foundAwaiting, heardOfOthers, tellAwaiting } from './dependencies.ts';
import { enterReleasing, releasing } from './ending.ts';
import { unheld } from './hold.ts';
import {
  type Job,
  type JobEffect,
  type JobEvent,
  type JobHeard,
  type JobHears,
  type JobStep,
  type JobTasks,
  mark,
} from './job.ts';
import { enterLive, live } from './live.ts';
import { cancelled, inAnyPhase } from './said.ts';
import { opened } from './secrets.ts';
import { granted, hasLeft, leave } from './shift.ts';
import { isUntied, lookAfter } from './tie.ts';
import {
  enterPlacing,
  enterProvisioning,
  enterQueued,
  placing,
  provisioning,
  queued,
} from './waiting.ts';

/** A job's life: it owns its record, and whatever phase it is in, cancel leads to its end. */
export const job: Behaviour<Body<'job.create'>, Job, JobHears, JobEvent, JobTasks> = {
  init: (body, now) => noticed(null, newJob(body, now), now),

  on(state, event, now) {
    return ofHerald(state, event) ?? withChanges(state, heard(state, event, now), now);
  },

  enter(state, now): readonly JobEffect[] {
    const asked = [...enterPhase(state, now), ...lookAfter(state, now), ...tellAwaiting(state)];
    return hasUntold(state) ? [...asked, ...telling(state)] : asked;
  },
};

function heard(state: Job, event: JobHeard, now: Millis): JobStep {
  if (isArray(state)) return onArray(state, event, now);
  const said = event.is === 'told' ? inAnyPhase(state, event, now) : undefined;
  if (said !== undefined) return said;
  if (event.is === 'untied') return untied(state, now);
  return (
    foundAwaiting(state, event) ?? heardOfOthers(state, event, now) ?? inPhase(state, event, now)
  );
}

function enterPhase(state: Job, now: Millis): readonly JobEffect[] {
  if (isArray(state)) return enterArray(state);
  switch (state.phase) {
    case 'queued':
      return enterQueued(state);
    case 'placing':
      return enterPlacing(state);
    case 'provisioning':
      return enterProvisioning(state, now);
    case 'staging':
    case 'starting':
    case 'running':
    case 'collecting':
      return enterLive(state, now);
    case 'releasing':
      return enterReleasing(state);
    case 'ended':
      return leave(state, now);
  }
}

/** It was there for a terminal that is not, unless that has said so since. */
const untied = (job: Job, now: Millis): JobStep =>
  isUntied(job, now)
    ? [cancelled(unheld(mark(job, now, 'its terminal is gone')), now), []]
    : [job, lookAfter(job, now)];

function inPhase(state: Job, event: JobHeard, now: Millis): JobStep {
  switch (state.phase) {
    case 'queued':
      return queued(state, event, now);
    case 'placing':
      return placing(state, event, now);
    case 'provisioning':
      return provisioning(state, event, now);
    case 'staging':
    case 'starting':
    case 'running':
    case 'collecting':
      return opened(state, event) ?? granted(state, event) ?? live(state, event, now);
    case 'releasing':
      return releasing(state, event, now);
    case 'ended':
      return hasLeft(state, event, now);
  }
}
