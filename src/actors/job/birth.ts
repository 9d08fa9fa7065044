import { limits } from '../../protocol/limits.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Millis } from '../../runtime/ports.ts';
import { newTasks } from '../array/array.ts';
import { unmetOf } from './dependencies.ts';
import type { Job } from './job.ts';

/** A job as it is submitted: its first attempt waits for a place. */
export function newJob(body: Body<'job.create'>, now: Millis): Job {
  const { id, owner, spec, script, scriptBlob, inputs, digest, from, tied, shift = null } = body;
  const range = shift === null ? spec.array : null;
  // What an array waits for its shifts do not wait for again.
  const unmet = shift === null ? unmetOf(spec) : [];
  return {
    // An array waits for no place: its shifts do.
    phase: range === null || spec.hold || unmet.length > 0 ? 'queued' : 'placing',
    round: 0,
    id,
    owner,
    spec,
    script,
    scriptBlob,
    inputs,
    digest,
    from,
    submittedAt: now,
    run: 1,
    attempt: 1,
    firstAttempt: 1,
    notBefore: 0,
    refusals: 0,
    placement: null,
    ordered: false,
    cluster: null,
    reports: [],
    stop: null,
    cancelled: false,
    again: 'no',
    uploaded: false,
    alias: '',
    details: '',
    outcome: null,
    since: now,
    startedAt: 0,
    endedAt: 0,
    timeline: [{ at: now, what: 'queued' }],
    runs: [],
    heldAt: 0,
    spent: 0,
    remains: 'all',
    checkpoint: null,
    unmet,
    awaited: false,
    tiedUntil: tied && range === null ? now + limits.tieMs : null,
    changes: null,
    hold: spec.hold ? { by: owner, isOperators: false, since: now } : null,
    shift,
    ...(range && { tasks: newTasks(range) }),
  };
}
