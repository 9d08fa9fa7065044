import { limits } from '../../protocol/limits.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Millis } from '../../runtime/ports.ts';
import { unmetOf } from './dependencies.ts';
import type { Job } from './job.ts';

/** A job as it is submitted: its first attempt waits for a place. */
export function newJob(body: Body<'job.create'>, now: Millis): Job {
  const { id, owner, spec, script, scriptBlob, inputs, digest, from, tied } = body;
  return {
    phase: 'queued',
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
    tiedUntil: tied ? now + limits.tieMs : null,
    unmet: unmetOf(spec),
    awaited: false,
    changes: null,
    hold: spec.hold ? { by: owner, isOperators: false, since: now } : null,
  };
}
