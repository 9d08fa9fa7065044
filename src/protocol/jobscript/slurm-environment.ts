import { lastOf, tasksOf } from './arrayrange.ts';
import type { JobFacts } from './environment.ts';
import type { JobSpec } from './spec.ts';

/** As much of an id as Slurm's commands show, and as a script for Slurm finds. */
export const slurmId = (id: string): string => id.slice(0, 8);

/** The partition of jobs that name no queue: Slurm knows none without. */
export const PARTITION = 'swm';

/** A log's path as a job has it; in scripts for Slurm `%j` is the job's id. */
export const logPathOf = (path: string, slurm: boolean | undefined, job: string): string =>
  slurm === true ? path.replaceAll('%j', slurmId(job)) : path;

/**
 * What Slurm tells a batch script. Its input was brought to the directory that the job starts in,
 * so that is where it was submitted, as far as it can see.
 */
export function slurmVariables(spec: JobSpec, facts: JobFacts): Record<string, string> {
  if (!spec.slurm) return {};
  const id = slurmId(facts.job);
  const nodes = facts.nodes.map(({ name }) => name).join(',');
  const number = String(facts.nodes.length);
  const cpus = String(Math.max(1, spec.cpus));
  return {
    SLURM_JOB_ID: id,
    SLURM_JOBID: id,
    SLURM_JOB_NAME: spec.name,
    SLURM_JOB_ACCOUNT: spec.account,
    SLURM_JOB_PARTITION: spec.queue || PARTITION,
    SLURM_JOB_USER: facts.user,
    SLURM_JOB_NUM_NODES: number,
    SLURM_NNODES: number,
    SLURM_JOB_NODELIST: nodes,
    SLURM_NODELIST: nodes,
    SLURM_NODEID: String(facts.rank),
    SLURMD_NODENAME: facts.nodes[facts.rank]?.name ?? '',
    SLURM_PROCID: String(facts.rank),
    SLURM_LOCALID: '0',
    SLURM_NTASKS: spec.env['SLURM_NTASKS'] ?? number,
    SLURM_NPROCS: spec.env['SLURM_NTASKS'] ?? number,
    SLURM_CPUS_ON_NODE: cpus,
    SLURM_JOB_CPUS_PER_NODE: facts.nodes.length > 1 ? `${cpus}(x${number})` : cpus,
    ...(spec.memoryBytes > 0 && {
      SLURM_MEM_PER_NODE: String(Math.floor(spec.memoryBytes / (1 << 20))),
    }),
    ...(spec.gpus > 0 && { SLURM_GPUS_ON_NODE: String(spec.gpus) }),
    SLURM_SUBMIT_DIR: facts.home,
    SLURM_RESTART_COUNT: String(facts.attempt - 1),
    SLURM_CLUSTER_NAME: 'swm',
    ...(facts.array !== null && ofArray(facts.array)),
  };
}

/** The index of each task is told to it when it begins. */
const ofArray = (array: NonNullable<JobFacts['array']>): Record<string, string> => ({
  SLURM_ARRAY_JOB_ID: slurmId(array.id),
  SLURM_ARRAY_TASK_COUNT: String(tasksOf(array)),
  SLURM_ARRAY_TASK_MIN: String(array.first),
  SLURM_ARRAY_TASK_MAX: String(lastOf(array)),
  SLURM_ARRAY_TASK_STEP: String(array.step),
});
