import type { Tasks } from '../../runtime/family.ts';
import type { Store } from '../../runtime/ports.ts';
import type { Forwards } from '../ports.ts';
import type { JobEvent, JobTasks } from './job.ts';
import { ALIASES } from './keeping.ts';

export type JobPorts = { readonly forwards: Forwards; readonly store: Store };

export function jobTasks({ forwards, store }: JobPorts): Tasks<JobEvent, JobTasks> {
  return {
    alias: ({ ports }) => forwards.free(ports, taken(store)),
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

const PREFIX = `i${ALIASES}/`;

/** Addresses of jobs that may not have bound them again yet, since the last start. */
const taken = (store: Store): string[] =>
  store
    .range({ from: PREFIX, to: `${PREFIX}~`, limit: Number.MAX_SAFE_INTEGER })
    .map(([key]) => key.slice(PREFIX.length, key.indexOf('#')));
