import type { Name } from '../../protocol/messages.ts';
import type { Who } from '../../protocol/who.ts';
import { type Job, may } from './job.ts';

/** What an admin of its account may say to a job as its owner may. */
const STEERS: readonly Name[] = [
  'job.cancel',
  'job.requeue',
  'job.hold',
  'job.release',
  'job.update',
];

/** Whether admins of accounts may make that call. */
export const isForAdmins = (name: Name): boolean => STEERS.includes(name);

/** Whether somebody may say that to a job. */
export const maySay = (job: Job, who: Who, name: Name): boolean =>
  may(job, who) ||
  (who.door === 'terminal' && who.adminOf === job.spec.account && isForAdmins(name));
