import type { AttemptKey } from './ports.ts';

/** Ways into and out of jobs, for the tasks that open them. */

// ---------------------------------------------------------------- tasks of a job, on a worker

export type TaskOrder = {
  readonly key: AttemptKey;
  /** Absolute path of the socket by which the job's processes speak with its other nodes. */
  readonly socket: string;
  /** The account that may use it; '' is the one of jobs without their own. */
  readonly user: string;
};

export interface TaskSockets {
  /** Listens there for the main process's `swm task`, or for what runs its tasks. Idempotent. */
  open(order: TaskOrder): Promise<void>;
  close(key: AttemptKey): Promise<void>;
}

// ---------------------------------------------------------------- what attempts use, on a worker

/** What an attempt used in some time; null: nobody can tell. */
export type Sample = {
  readonly ms: number;
  /** 100 is one core. */
  readonly cpuPercent: number | null;
  readonly memBytes: number | null;
  readonly gpuUtilPercent: number | null;
  readonly gpuMemBytes: number | null;
};

export interface Meter {
  /** Tells of an attempt that runs, now and then, until what it returns is called. */
  watch(key: AttemptKey, told: (sample: Sample) => void): () => void;
}

// ---------------------------------------------------------------- ports that lead out, on a worker

export type OutOrder = {
  readonly key: AttemptKey;
  readonly ports: readonly number[];
  readonly to: OutTarget;
  /** The account that may connect to them; '' is the one of jobs without their own. */
  readonly user: string;
};

/** Where a job's `out` ports lead to. */
export type OutTarget = {
  readonly host: string;
  /** The address that submitted the job; '' if it is not known. */
  readonly submitter: string;
  /** The head whose own machine that is; '' for one that is the same for all. */
  readonly head: string;
};

export interface Outs {
  /** Listens on each port for this attempt, and leads to where it was submitted. Idempotent. */
  open(order: OutOrder): Promise<void>;
  /** Resets what is open, and listens no more. */
  close(key: AttemptKey): Promise<void>;
}

// ---------------------------------------------------------------- forwarded ports, on a head

export type ForwardOrder = {
  readonly job: string;
  /** The loopback alias that this job's `in` ports are bound on. */
  readonly alias: string;
  readonly ports: readonly number[];
  readonly node: string;
  /** The address on `node` where the job listens. */
  readonly address: string;
};

export interface Forwards {
  /** Binds each port on the alias and tunnels it to the node. Idempotent. */
  open(order: ForwardOrder): Promise<void>;
  close(job: string): Promise<void>;
  /** An alias of the pool on which all of these ports can be bound now. */
  free(ports: readonly number[], taken: readonly string[]): Promise<string>;
}
