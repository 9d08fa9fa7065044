import { type Failure, failure } from '../../protocol/errors.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Who } from '../../protocol/who.ts';
import type { Millis } from '../../runtime/ports.ts';
import { type Job, type JobEffect, type JobStep, mark, once, refuse, type ToldJob } from './job.ts';

/** What is said to a job that waits: it is held, released, or asks for something else. */
export function whileQueued(job: Job, { ask, who, message: m }: ToldJob, now: Millis): JobStep {
  // Of one that is let go already this may be said again, whatever has become of it.
  if (m.name === 'job.release') return released(job, who, ask, now);
  if (job.phase !== 'queued') return refuse(job, ask, 'it does not wait for a place');
  const next =
    m.name === 'job.hold' ? onHold(job, who, now) : updated(job, m.body as Body<'job.update'>, now);
  return [next, [reply(job, ask)]];
}

const reply = ({ id }: Job, ask: number): JobEffect => ({ do: 'reply', ask, body: { id } });

const isOperators = ({ door }: Who): boolean => door === 'operator' || door === 'local';

/**
 * Held twice it is held as it was; only that of an operator takes the place of another's. An admin
 * of its account holds it as its owner would.
 */
export function onHold(job: Job, who: Who, now: Millis): Job {
  if (job.hold && (job.hold.isOperators || !isOperators(who))) return job;
  const hold = { by: who.id, isOperators: isOperators(who), since: now };
  return once(mark(job, now, 'held'), { hold });
}

export const unheld = (job: Job): Job => (job.hold ? { ...job, hold: null } : job);

/** Why somebody may not release it, who may else steer it; null: they may. */
export const mayNotRelease = ({ id, hold }: Job, who: Who): Failure | null =>
  hold?.isOperators && !isOperators(who)
    ? failure('forbidden', `job ${id} is held by an operator, and only operators release it`)
    : null;

function released(job: Job, who: Who, ask: number, now: Millis): JobStep {
  if (!job.hold) return [job, [reply(job, ask)]];
  const why = mayNotRelease(job, who);
  if (why !== null) return [job, [{ do: 'refuse', ask, failure: why }]];
  return [once(mark(unheld(job), now, 'released'), {}), [reply(job, ask)]];
}

/** It keeps its place among those of its priority. */
export function updated(job: Job, asked: Body<'job.update'>, now: Millis): Job {
  const { priority, walltimeMs, name } = job.spec;
  const before = { priority, walltimeMs, name };
  const fields = Object.keys(before) as (keyof typeof before)[];
  const changed = fields.filter((field) => (asked[field] ?? before[field]) !== before[field]);
  if (changed.length === 0) return job;
  const change = Object.fromEntries(changed.map((field) => [field, asked[field]]));
  const what = changed.map((field) => `${field} ${asked[field]}`).join(', ');
  return once(mark(job, now, `updated: ${what}`), { spec: { ...job.spec, ...change } });
}

/** Why it waits, for those who ask. */
export function whyHeld({ owner, hold }: Pick<Job, 'owner' | 'hold'>): string {
  if (!hold) return '';
  const { by, isOperators: isTheirs, since } = hold;
  const whose = isTheirs ? `operator ${by}` : by === owner ? 'its owner' : `admin ${by}`;
  return `held by ${whose} since ${new Date(since).toISOString()}`;
}
