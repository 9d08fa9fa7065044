/** A port of a job: `in` is reached from the submitter's side, `out` reaches out from the job. */
export type PortSpec = {
  readonly port: number;
  readonly protocol: 'tcp';
  readonly direction: 'in' | 'out';
};

/** Array tasks `first..last` by `step`, at most `limit` at once (0: no limit). */
export type ArraySpec = {
  readonly first: number;
  readonly last: number;
  readonly step: number;
  readonly limit: number;
};

export type DependencySpec = {
  readonly when: 'after' | 'after-ok' | 'after-not-ok' | 'after-any';
  readonly jobs: readonly string[];
};

/** A secret of its owner, or of everybody, as the variable or the file `to`. */
export type SecretSpec = {
  readonly name: string;
  readonly as: 'env' | 'file';
  readonly to: string;
};

/**
 * What a job script asks for, once its directives are read. Empty text means that nothing was
 * asked; zero means the same for counts, bytes and milliseconds.
 */
export type JobSpec = {
  readonly name: string;
  readonly comment: string;
  readonly account: string;
  readonly flavor: string;
  readonly cloudImage: string;
  readonly containerImage: string;
  /** The secret by which the image is pulled. */
  readonly containerLogin: string;
  readonly queue: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly gpus: number;
  readonly nodes: number;
  readonly ports: readonly PortSpec[];
  readonly submissionAddress: string;
  readonly stdin: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly workdir: string;
  readonly relocatable: boolean;
  readonly inputFiles: readonly string[];
  readonly outputFiles: readonly string[];
  readonly storage: readonly string[];
  readonly keepResources: boolean;
  readonly checkpoint: boolean;
  readonly checkpointDir: string;
  readonly checkpointIntervalMs: number;
  /** What tells the job's main process to save itself. */
  readonly checkpointSignal: 'usr1' | 'usr2' | 'hup' | 'int' | 'term';
  readonly walltimeMs: number;
  readonly priority: number;
  readonly env: Readonly<Record<string, string>>;
  readonly secrets: readonly SecretSpec[];
  readonly array: ArraySpec | null;
  readonly after: readonly DependencySpec[];
  /** What its clusters may cost, in the currency of the site; 0: whatever they do. */
  readonly budget: number;
  /** What its cluster may cost an hour, all nodes together; 0: whatever it does. */
  readonly maxPrice: number;
  /** So long after its submit it is to have ended; 0: no matter when. */
  readonly deadlineMs: number;
  readonly retries: number;
  /** Of a node that is silent and cannot be confirmed to be gone. */
  readonly onNodeLoss: 'wait' | 'requeue';
  /** Which of its nodes run the script. */
  readonly ranks: 'main' | 'all';
  /** It waits until it is released. */
  readonly hold: boolean;
  readonly gang: string;
  /** How many jobs the gang has; 0: nobody said. */
  readonly gangSize: number;
  /** Nobody else has anything of its nodes. */
  readonly exclusive: boolean;
  /** Labels that each of its nodes has. */
  readonly constraint: readonly string[];
  /** What kind of gpus it wants; '': any. */
  readonly gpuKind: string;
  /** What else it wants of each node, by name. */
  readonly countables: Readonly<Record<string, number>>;
  readonly preemptible: boolean;
  /** It finds what scripts for Slurm expect. */
  readonly slurm: boolean;
  readonly notify: string;
};

/**
 * A script without a directive: one node, and nothing else asked. What is left open here is filled
 * from the configuration when the job is placed.
 */
export const emptySpec: JobSpec = {
  name: '',
  comment: '',
  account: '',
  flavor: '',
  cloudImage: '',
  containerImage: '',
  containerLogin: '',
  queue: '',
  cpus: 0,
  memoryBytes: 0,
  gpus: 0,
  nodes: 1,
  ports: [],
  submissionAddress: '',
  stdin: '',
  stdout: '',
  stderr: '',
  workdir: '',
  relocatable: false,
  inputFiles: [],
  outputFiles: [],
  storage: [],
  keepResources: false,
  checkpoint: false,
  checkpointDir: '',
  checkpointIntervalMs: 0,
  checkpointSignal: 'usr1',
  walltimeMs: 0,
  priority: 0,
  env: {},
  secrets: [],
  array: null,
  after: [],
  budget: 0,
  maxPrice: 0,
  deadlineMs: 0,
  retries: 0,
  onNodeLoss: 'wait',
  ranks: 'all',
  hold: false,
  gang: '',
  gangSize: 0,
  exclusive: false,
  constraint: [],
  gpuKind: '',
  countables: {},
  preemptible: false,
  slurm: false,
  notify: '',
};
