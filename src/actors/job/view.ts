import type { JobLetter, JobRow, JobView } from '../../protocol/model.ts';
import type { Job } from './job.ts';

/** The letter that a job shows in each phase. Once its end is settled, the letter says how. */
export function letter(job: Job): JobLetter {
  if (job.outcome !== null) return job.outcome.state;
  switch (job.phase) {
    case 'queued':
    case 'placing':
      return 'Q';
    case 'provisioning':
    case 'starting':
      return 'W';
    case 'staging':
    case 'collecting':
      return 'T';
    case 'running':
      return 'R';
    case 'releasing':
    case 'ended':
      return job.cancelled ? 'C' : 'W';
  }
}

/** A job as lists show it. `reason` is the scheduler's word on why it waits. */
export function row(job: Job, reason = ''): JobRow {
  const main = job.reports[0];
  return {
    id: job.id,
    name: job.spec.name,
    owner: job.owner,
    state: letter(job),
    phase: job.phase,
    details: (job.phase === 'queued' && reason !== '' ? reason : job.details).slice(0, 4096),
    submittedAt: job.submittedAt,
    startedAt: job.startedAt,
    endedAt: job.endedAt,
    exitcode: job.outcome?.exitcode ?? main?.exit?.code ?? 0,
    signal: job.outcome?.signal ?? main?.exit?.signal ?? 0,
    attempt: job.attempt,
    run: job.run,
    cluster: job.placement?.cluster ?? '',
    nodes: [...(job.placement?.nodes ?? [])],
    remote: job.placement?.made?.remote ?? '',
    flavor: job.placement?.made?.flavor ?? '',
    account: job.spec.account,
    comment: job.spec.comment,
    address: job.alias,
  };
}

/** All that is kept of a job. */
export function view(job: Job, reason = ''): JobView {
  const main = job.reports[0];
  return {
    ...row(job, reason),
    spec: job.spec,
    script: job.script,
    timeline: [...job.timeline],
    outputs: job.reports.flatMap((r) => r?.collected?.outputs ?? []),
    missing: job.reports.flatMap((r) => r?.collected?.missing ?? []),
    unenforced: [...(main?.unenforced ?? [])],
    stdout: main?.collected?.stdout ?? null,
    stderr: main?.collected?.stderr ?? null,
    price: job.placement?.made?.price ?? 0,
  };
}
