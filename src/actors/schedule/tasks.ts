import type { Tasks } from '../../runtime/family.ts';
import type { Millis, Store } from '../../runtime/ports.ts';
import { type JobIds, jobIdOf } from '../session/job-id.ts';
import { userOf } from '../user/keeping.ts';
import type { ScheduleEvent, ScheduleTasks } from './schedule.ts';

export type SchedulePorts = JobIds & {
  readonly store: Store;
  /** The first time after an instant; undefined: there is none. Throws `Failed`. */
  readonly nextTick: (cron: string, zone: string, after: Millis) => Millis | undefined;
};

export const scheduleTasks = (ports: SchedulePorts): Tasks<ScheduleEvent, ScheduleTasks> => ({
  plan: async ({ id, owner, at, cron, zone, after }) => ({
    job: jobIdOf(ports, owner, `schedule\n${id}\n${at}`),
    nextAt: ports.nextTick(cron, zone, after) ?? 0,
    refused: userOf(ports.store, owner)?.phase === 'revoked' ? 'its owner is revoked' : '',
  }),
});
