import { lastOf, tasksOf } from './arrayrange.ts';
import { plainPath } from './pattern.ts';
import { showPorts } from './portlist.ts';
import { slurmVariables } from './slurm-environment.ts';
import type { ArraySpec, JobSpec } from './spec.ts';
import { storageVariables } from './storage.ts';

/** What is known of an attempt once it has a place, besides what its script asked for. */
export type JobFacts = {
  /** The job's full id. */
  readonly job: string;
  readonly attempt: number;
  /** The array whose tasks it runs; null: none. Each task is told its index besides. */
  readonly array: (ArraySpec & { readonly id: string }) | null;
  /** The nodes of the job, the main one first. */
  readonly nodes: readonly { readonly name: string; readonly address: string }[];
  /** Which of the nodes this environment is for, from 0. */
  readonly rank: number;
  /** The address of this node that the job's `in` ports are reached at. */
  readonly bind: string;
  /** The address on which the job reaches its `out` ports. */
  readonly out: string;
  /** The file that lists the nodes of a job of several, or ''. */
  readonly hostfile: string;
  /** The socket by which `swm task` reaches them, or ''. */
  readonly taskSocket: string;
  /** The account that it runs as, as the node's system knows it. */
  readonly user: string;
  readonly home: string;
  /** Absolute: where it saves itself; '' if it does not. */
  readonly checkpointDir: string;
  /** Whether it goes on from what an earlier attempt saved there. */
  readonly restarted: boolean;
  readonly shell: string;
  readonly path: string;
  readonly lang: string;
};

/** The only engine there is. */
const CHECKPOINT_ENGINE = 'dmtcp';

/**
 * The whole environment of a job's process: what the account has, then what the script's `env`
 * asks for, then what swm promises, which nothing overrides. Lists are joined by commas, and are
 * empty text where there is nothing.
 */
export function jobEnvironment(spec: JobSpec, facts: JobFacts): Record<string, string> {
  return {
    USER: facts.user,
    LOGNAME: facts.user,
    HOME: facts.home,
    SHELL: facts.shell,
    PATH: facts.path,
    LANG: facts.lang,
    ...slurmVariables(spec, facts),
    ...spec.env,
    ...asked(spec),
    ...storageVariables(spec.storage),
    ...placed(facts),
    ...checkpoints(spec, facts),
  };
}

/** As the script has it, but for quotes. */
const shown = (path: string): string => plainPath(path) ?? path;

/** Sky Port calls some of these SWM_JOB_*; scripts of both kinds run. */
function asked(spec: JobSpec): Record<string, string> {
  const inputs = spec.inputFiles.map(shown).join(',');
  const outputs = spec.outputFiles.map(shown).join(',');
  const ports = showPorts(spec.ports);
  return {
    SWM_JOB_NAME: spec.name,
    SWM_ACCOUNT: spec.account,
    SWM_JOB_ACCOUNT: spec.account,
    SWM_COMMENT: spec.comment,
    SWM_JOB_COMMENT: spec.comment,
    SWM_INPUT_FILES: inputs,
    SWM_JOB_INPUT_FILES: inputs,
    SWM_OUTPUT_FILES: outputs,
    SWM_JOB_OUTPUT_FILES: outputs,
    SWM_PORTS: ports,
    SWM_JOB_PORTS: ports,
    SWM_RELOCATABLE: yesOrNo(spec.relocatable),
    SWM_KEEP_RESOURCES: yesOrNo(spec.keepResources),
  };
}

function placed(facts: JobFacts): Record<string, string> {
  const names = facts.nodes.map((node) => node.name).join(',');
  const number = String(facts.nodes.length);
  return {
    SWM_JOB_ID: facts.job,
    SWM_ATTEMPT: String(facts.attempt),
    ...(facts.array === null ? {} : ofArray(facts.array)),
    SWM_NODES: names,
    SWM_JOB_NODES: names,
    SWM_NODES_NUMBER: number,
    SWM_JOB_NODES_NUMBER: number,
    SWM_NODE_ADDRESSES: facts.nodes.map((node) => node.address).join(','),
    SWM_NODE_RANK: String(facts.rank),
    SWM_NODE_NAME: facts.nodes[facts.rank]?.name ?? '',
    SWM_BIND: facts.bind,
    SWM_OUT: facts.out,
    SWM_HOSTFILE: facts.hostfile,
    SWM_TASK_SOCKET: facts.taskSocket,
  };
}

const ofArray = (array: NonNullable<JobFacts['array']>): Record<string, string> => ({
  SWM_ARRAY_JOB_ID: array.id,
  SWM_ARRAY_TASK_COUNT: String(tasksOf(array)),
  SWM_ARRAY_TASK_MIN: String(array.first),
  SWM_ARRAY_TASK_MAX: String(lastOf(array)),
  SWM_ARRAY_TASK_STEP: String(array.step),
});

/**
 * Where a job saves itself, as its script has it. It may name the job, so that the checkpoints of
 * two jobs do not meet. '' if it does not save itself.
 */
export function checkpointDirOf(
  { checkpoint, checkpointDir }: Pick<JobSpec, 'checkpoint' | 'checkpointDir'>,
  job: string,
): string {
  if (!checkpoint) return '';
  const asked = checkpointDir === '' ? 'checkpoint' : checkpointDir;
  return asked.replace(/\$SWM_JOB_ID\b|\$\{SWM_JOB_ID\}|%j/g, () => job);
}

function checkpoints(spec: JobSpec, facts: JobFacts): Record<string, string> {
  return {
    SWM_CKPT: spec.checkpoint ? CHECKPOINT_ENGINE : '',
    SWM_CKPT_DIR: checkpointDirOf(spec, facts.job),
    SWM_CHECKPOINT_DIR: facts.checkpointDir,
    SWM_RESTART: facts.restarted ? '1' : '0',
    SWM_CKPT_INTERVAL: String(spec.checkpoint ? Math.round(spec.checkpointIntervalMs / 1000) : 0),
  };
}

const yesOrNo = (flag: boolean): string => (flag ? 'YES' : 'NO');
