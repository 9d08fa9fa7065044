import { failure } from '../../protocol/errors.ts';
import type { Body } from '../../protocol/messages.ts';
import { secretNames } from '../../protocol/secret-model.ts';
import type { Who } from '../../protocol/who.ts';
import {
  forbidden,
  isLive,
  isOver,
  type Job,
  type JobHeard,
  type JobStep,
  speaksFor,
} from './job.ts';
import { nodeOf } from './orders.ts';

/**
 * A worker asks for the secrets of an attempt, of which nothing is in its order: that is kept. It
 * gets those that the job names, for as long as the rank is placed on it and not over.
 */
export function secrets(
  job: Job,
  { node, attempt, rank }: Body<'job.secrets'>,
  who: Who,
  ask: number,
): JobStep {
  if (!speaksFor(who, node)) return [job, [{ do: 'refuse', ask, failure: forbidden(job) }]];
  const isCurrent = attempt === job.attempt && isLive(job) && nodeOf(job, rank) === node;
  if (isCurrent && job.stop === null && job.phase !== 'collecting' && !isOver(job, rank)) {
    const input = { owner: job.owner, names: secretNames(job.spec) };
    return [job, [{ do: 'run', task: 'secrets', key: String(ask), input }]];
  }
  const why = failure('wrong_phase', `attempt ${attempt} of job ${job.id} needs no secrets`);
  return [job, [{ do: 'refuse', ask, failure: why }]];
}

/** Hands what was opened to whoever asked; nothing of it stays. Undefined: it is no such event. */
export function opened(job: Job, event: JobHeard): JobStep | undefined {
  if (event.is === 'done' && event.task === 'secrets')
    return [job, [{ do: 'reply', ask: Number(event.key), body: { secrets: event.value } }]];
  if (event.is === 'failed' && event.task === 'secrets')
    return [job, [{ do: 'refuse', ask: Number(event.key), failure: event.failure }]];
  return undefined;
}
