import { describe, expect, it } from 'vitest';
import { type JobFacts, jobEnvironment } from '../../../src/protocol/jobscript/environment.ts';
import { emptySpec, type JobSpec } from '../../../src/protocol/jobscript/spec.ts';

const facts: JobFacts = {
  job: '0197f3a2-5b1c-7d2e-8f30-a1b2c3d4e5f6',
  attempt: 2,
  array: null,
  nodes: [
    { name: 'swm-0197f3a2-main', address: '10.0.0.4' },
    { name: 'swm-0197f3a2-1', address: '10.0.0.5' },
  ],
  rank: 1,
  bind: '10.0.0.1',
  out: '127.0.0.1',
  hostfile: '/j/hosts',
  taskSocket: '/j/tasks.sock',
  user: 'ada',
  home: '/home/ada',
  checkpointDir: '',
  restarted: false,
  shell: '/bin/bash',
  path: '/usr/bin:/bin',
  lang: 'C.UTF-8',
};

const empty = {
  USER: 'ada',
  LOGNAME: 'ada',
  HOME: '/home/ada',
  SHELL: '/bin/bash',
  PATH: '/usr/bin:/bin',
  LANG: 'C.UTF-8',
  SWM_JOB_ID: '0197f3a2-5b1c-7d2e-8f30-a1b2c3d4e5f6',
  SWM_ATTEMPT: '2',
  SWM_JOB_NAME: '',
  SWM_ACCOUNT: '',
  SWM_JOB_ACCOUNT: '',
  SWM_COMMENT: '',
  SWM_JOB_COMMENT: '',
  SWM_NODES: 'swm-0197f3a2-main,swm-0197f3a2-1',
  SWM_JOB_NODES: 'swm-0197f3a2-main,swm-0197f3a2-1',
  SWM_NODES_NUMBER: '2',
  SWM_JOB_NODES_NUMBER: '2',
  SWM_NODE_ADDRESSES: '10.0.0.4,10.0.0.5',
  SWM_NODE_RANK: '1',
  SWM_NODE_NAME: 'swm-0197f3a2-1',
  SWM_BIND: '10.0.0.1',
  SWM_OUT: '127.0.0.1',
  SWM_HOSTFILE: '/j/hosts',
  SWM_TASK_SOCKET: '/j/tasks.sock',
  SWM_STORAGES: '',
  SWM_INPUT_FILES: '',
  SWM_JOB_INPUT_FILES: '',
  SWM_OUTPUT_FILES: '',
  SWM_JOB_OUTPUT_FILES: '',
  SWM_PORTS: '',
  SWM_JOB_PORTS: '',
  SWM_RELOCATABLE: 'NO',
  SWM_KEEP_RESOURCES: 'NO',
  SWM_CKPT: '',
  SWM_CKPT_DIR: '',
  SWM_CHECKPOINT_DIR: '',
  SWM_RESTART: '0',
  SWM_CKPT_INTERVAL: '0',
};

const of = (asked: Partial<JobSpec>, known: Partial<JobFacts> = {}) =>
  jobEnvironment({ ...emptySpec, ...asked }, { ...facts, ...known });

describe('the environment of a job', () => {
  it('is whole, also where nothing was asked', () => {
    expect(of({})).toStrictEqual(empty);
  });

  it('tells what was asked', () => {
    const spec: Partial<JobSpec> = {
      name: 'Hello MPI',
      account: 'azure',
      comment: 'a, b',
      inputFiles: ['~/data', 'a b'],
      outputFiles: ['results.out'],
      ports: [
        { port: 8888, protocol: 'tcp', direction: 'in' },
        { port: 8081, protocol: 'tcp', direction: 'out' },
      ],
      relocatable: true,
      keepResources: true,
    };
    expect(of(spec)).toStrictEqual({
      ...empty,
      SWM_JOB_NAME: 'Hello MPI',
      SWM_ACCOUNT: 'azure',
      SWM_JOB_ACCOUNT: 'azure',
      SWM_COMMENT: 'a, b',
      SWM_JOB_COMMENT: 'a, b',
      SWM_INPUT_FILES: '~/data,a b',
      SWM_JOB_INPUT_FILES: '~/data,a b',
      SWM_OUTPUT_FILES: 'results.out',
      SWM_JOB_OUTPUT_FILES: 'results.out',
      SWM_PORTS: '8888/tcp/in,8081/tcp/out',
      SWM_JOB_PORTS: '8888/tcp/in,8081/tcp/out',
      SWM_RELOCATABLE: 'YES',
      SWM_KEEP_RESOURCES: 'YES',
    });
  });

  it('lets `env` change what the account has, and nothing that swm promises', () => {
    const env = { PATH: '/opt/bin', LANG: 'C', X: 'y z', SWM_JOB_ID: 'mine', SWM_CKPT: 'mine' };
    const merged = { ...empty, PATH: '/opt/bin', LANG: 'C', X: 'y z' };
    expect(of({ env })).toStrictEqual(merged);
  });

  it('tells what runs tasks of an array which they are', () => {
    const array = { id: 'a', first: 3, last: 10, step: 3, limit: 2 };
    expect(of({}, { array })).toStrictEqual({
      ...empty,
      SWM_ARRAY_JOB_ID: 'a',
      SWM_ARRAY_TASK_COUNT: '3',
      SWM_ARRAY_TASK_MIN: '3',
      SWM_ARRAY_TASK_MAX: '9',
      SWM_ARRAY_TASK_STEP: '3',
    });
  });

  it('tells where each storage is, and all of them', () => {
    expect(of({ storage: ['data', 'my-set-2'] })).toStrictEqual({
      ...empty,
      SWM_STORAGES: 'data=/mnt/swm/data,my-set-2=/mnt/swm/my-set-2',
      SWM_STORAGE_DATA: '/mnt/swm/data',
      SWM_STORAGE_MY_SET_2: '/mnt/swm/my-set-2',
    });
  });

  it('tells where and how often checkpoints are made, if they are', () => {
    const spec = { checkpointDir: `/ckpt/$SWM_JOB_ID/\${SWM_JOB_ID}/%j$SWM_JOB_IDS` };
    const interval = { checkpointIntervalMs: 300_000 };
    expect(of({ ...spec, ...interval })).toStrictEqual(empty);
    expect(of({ ...spec, ...interval, checkpoint: true })).toStrictEqual({
      ...empty,
      SWM_CKPT: 'dmtcp',
      SWM_CKPT_DIR: `/ckpt/${facts.job}/${facts.job}/${facts.job}$SWM_JOB_IDS`,
      SWM_CKPT_INTERVAL: '300',
    });
  });

  it('has what scripts for Slurm expect, if it is one', () => {
    const env = { SLURM_NTASKS: '6' };
    const asked = { slurm: true, name: 'one', cpus: 4, memoryBytes: 3 << 20, queue: 'long', env };
    const found = of(asked);
    expect(Object.keys(found).filter((name) => /^SLURM/.test(name)).length).toBeGreaterThan(20);
    expect(found).toMatchObject({
      SLURM_JOB_ID: '0197f3a2',
      SLURM_JOB_NAME: 'one',
      SLURM_JOB_NODELIST: 'swm-0197f3a2-main,swm-0197f3a2-1',
      SLURM_JOB_NUM_NODES: '2',
      SLURM_JOB_CPUS_PER_NODE: '4(x2)',
      SLURM_JOB_PARTITION: 'long',
      SLURM_MEM_PER_NODE: '3',
      SLURM_NODEID: '1',
      SLURM_NTASKS: '6',
      SLURM_NPROCS: '6',
      SLURM_RESTART_COUNT: '1',
      SLURM_SUBMIT_DIR: '/home/ada',
      SLURMD_NODENAME: 'swm-0197f3a2-1',
    });
    expect(found['SLURM_ARRAY_JOB_ID']).toBeUndefined();
    const array = { id: `11111111${facts.job.slice(8)}`, first: 2, last: 9, step: 3, limit: 0 };
    expect(of({ slurm: true }, { array })).toMatchObject({
      SLURM_ARRAY_JOB_ID: '11111111',
      SLURM_ARRAY_TASK_COUNT: '3',
      SLURM_ARRAY_TASK_MAX: '8',
      SLURM_NTASKS: '2',
    });
  });
});
