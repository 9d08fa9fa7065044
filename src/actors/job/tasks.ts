import type { Tasks } from '../../runtime/family.ts';
import type { Forwards } from '../ports.ts';
import type { JobEvent, JobTasks } from './job.ts';

export type JobPorts = { readonly forwards: Forwards };

export function jobTasks({ forwards }: JobPorts): Tasks<JobEvent, JobTasks> {
  return {
    alias: ({ ports }) => forwards.free(ports, []),
    forward: async (order) => {
      await forwards.open(order);
      return null;
    },
    unforward: async ({ job }) => {
      await forwards.close(job);
      return null;
    },
  };
}
