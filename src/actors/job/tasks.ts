import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Tasks } from '../../runtime/family.ts';
import type { Store } from '../../runtime/ports.ts';
import { find } from '../../runtime/record.ts';
import { secretsOf } from '../safe/keeping.ts';
import { type Seal, SHARED, unknownSecret } from '../safe/safe.ts';
import type { Forwards } from '../ways.ts';
import type { JobEvent, JobTasks } from './job.ts';
import { ALIASES, AWAITING, SHORT } from './keeping.ts';

export type JobPorts = {
  readonly forwards: Forwards;
  readonly store: Store;
  readonly seal: Seal;
  /** A fresh UUID, or the one that an owner's key always gives. */
  readonly jobId: (owner: string, key: string | undefined) => string;
};

export function jobTasks(ports: JobPorts): Tasks<JobEvent, JobTasks> {
  const { forwards, store } = ports;
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
    draw: async ({ count }) => Array.from({ length: count }, () => drawId(ports)),
    awaiting: async ({ job, after }) => {
      const { paths, next } = find(store, `${AWAITING}/${job}`, limits.pageMax, after);
      return { jobs: paths.map((path) => path.slice('/jobs/'.length)), next };
    },
    secrets: async ({ owner, names }) =>
      Object.fromEntries(names.map((name) => [name, secretOf(ports, owner, name)])),
  };
}

/** Clusters bear the first eight digits of an id: no two jobs have the same. */
function drawId({ store, jobId }: JobPorts): string {
  for (;;) {
    const id = jobId('', undefined);
    if (find(store, `${SHORT}/${id.slice(0, 8)}`, 1).paths.length === 0) return id;
  }
}

/** The owner's own secret of that name, else what is for everybody. */
function secretOf({ store, seal }: JobPorts, owner: string, name: string): string {
  const found = [owner, SHARED].flatMap((each) => secretsOf(store, each));
  const secret = found.find((each) => each.name === name);
  if (secret !== undefined) return seal.open(secret.owner, name, secret.sealed);
  throw new Failed(
    'no_secret',
    unknownSecret(
      name,
      found.map((each) => each.name),
    ),
  );
}

const PREFIX = `i${ALIASES}/`;

/** Addresses of jobs that may not have bound them again yet, since the last start. */
const taken = (store: Store): string[] =>
  store
    .range({ from: PREFIX, to: `${PREFIX}~`, limit: Number.MAX_SAFE_INTEGER })
    .map(([key]) => key.slice(PREFIX.length, key.indexOf('#')));
