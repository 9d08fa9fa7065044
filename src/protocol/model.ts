import Type, { type Static } from 'typebox';
import { TaskCounts, TaskView } from './array-model.ts';
import { errors } from './errors.ts';
import { limits } from './limits.ts';
import { priceFields } from './price-fields.ts';
import { requestOf } from './request-model.ts';
import { SecretSpec } from './secret-model.ts';
import { UsedByRank } from './used.ts';

/** The values that messages and records are made of, each with its type of the same name. */

export const text = (maxLength: number) => Type.String({ maxLength });
export const count = (maximum: number) => Type.Integer({ minimum: 0, maximum });
export const instant = Type.Integer({ minimum: 0, maximum: 2 ** 52 });
const bytes = Type.Integer({ minimum: 0, maximum: 2 ** 52 });
export const list = <T extends Type.TSchema>(item: T, maxItems: number) =>
  Type.Array(item, { maxItems });

export const uuid = Type.String({
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
});
export const sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' });
/** A name of a node, cluster, flavor or site: it becomes a path and a host name. */
export const name = Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$' });
/** A relative path that stays where it is put: no `..`, no leading slash, no NUL. */
const inside = Type.String({
  maxLength: 4096,
  pattern: '^(?!/)(?!.*(?:^|/)\\.\\.(?:/|$))[^\\u0000]+$',
});

const codes = Object.keys(errors) as (keyof typeof errors)[];
export const Failure = Type.Object({
  code: Type.Enum(codes),
  text: text(4096),
  retry: Type.Boolean(),
});

const each = {
  cpus: count(65_536),
  memoryBytes: bytes,
  gpus: count(4096),
  /** What else can be counted: `gpu:a100` for gpus of a kind, and whatever a site calls its own. */
  named: Type.Optional(Type.Record(Type.String({ maxLength: 256 }), count(limits.namedCountMax))),
};
export const Resources = Type.Object(each);
export type Resources = Static<typeof Resources>;

export const labels = list(text(256), limits.labelsMax);

/** Whose a hold is and for how long: what a scheduler has to know of it that did not place it. */
export const Tenure = Type.Object({
  owner: text(64),
  account: text(256),
  queue: text(256),
  priority: Type.Integer(),
  preemptible: Type.Boolean(),
  /** 0: nobody knows how long. */
  walltimeMs: bytes,
});
export type Tenure = Static<typeof Tenure>;

const Port = Type.Object({
  port: Type.Integer({ minimum: 1, maximum: 65_535 }),
  protocol: Type.Literal('tcp'),
  direction: Type.Enum(['in', 'out']),
});

export const BlobRef = Type.Object({ sha256, bytes });
export type BlobRef = Static<typeof BlobRef>;

export const File = Type.Object({ path: inside, sha256, bytes, mode: count(0o7777) });
export type File = Static<typeof File>;
export const files = list(File, limits.filesMax * 10);

const directiveText = text(limits.directiveCharsMax);
export const paths = list(text(4096), limits.filesMax);

export const After = list(
  Type.Object({
    when: Type.Enum(['after', 'after-ok', 'after-not-ok', 'after-any']),
    jobs: list(text(64), limits.filesMax),
  }),
  limits.filesMax,
);
export type After = Static<typeof After>;

/** Of which DAG a job is one, and for which others of it it waits. */
export const DagPlace = Type.Object({
  id: uuid,
  dag: name,
  job: name,
  needs: list(Type.Object({ job: name, when: text(16) }), limits.dependenciesMax),
});
export type DagPlace = Static<typeof DagPlace>;

export const Spec = Type.Object({
  name: text(64),
  comment: directiveText,
  account: text(256),
  flavor: text(256),
  cloudImage: text(256),
  containerImage: text(1024),
  /** What jobs of before it was there asked for: ''. */
  containerLogin: Type.Optional(text(64)),
  queue: text(256),
  cpus: count(65_536),
  memoryBytes: bytes,
  gpus: count(4096),
  nodes: Type.Integer({ minimum: 1, maximum: limits.nodesMax }),
  ports: list(Port, limits.portsMax),
  submissionAddress: text(256),
  stdin: text(4096),
  stdout: text(4096),
  stderr: text(4096),
  workdir: text(4096),
  relocatable: Type.Boolean(),
  inputFiles: paths,
  outputFiles: paths,
  storage: list(text(256), limits.filesMax),
  keepResources: Type.Boolean(),
  checkpoint: Type.Boolean(),
  checkpointDir: text(4096),
  checkpointIntervalMs: bytes,
  /** What jobs of before it was there asked for: `usr1`. */
  checkpointSignal: Type.Optional(Type.Enum(['usr1', 'usr2', 'hup', 'int', 'term'])),
  walltimeMs: bytes,
  priority: Type.Integer(),
  env: Type.Record(Type.String(), directiveText),
  array: Type.Union([
    Type.Null(),
    Type.Object({
      first: Type.Integer(),
      last: Type.Integer(),
      step: Type.Integer(),
      limit: Type.Integer(),
    }),
  ]),
  after: After,
  /** What jobs of before it was there are: of none. */
  dag: Type.Optional(DagPlace),
  ...priceFields,
  retries: count(1000),
  /** What jobs of before it was there asked for: `wait`. */
  onNodeLoss: Type.Optional(Type.Enum(['wait', 'requeue'])),
  /** How long a worker may run it after it last asked; none unless it says `requeue`. */
  leaseMs: Type.Optional(count(limits.leaseMsMax)),
  /** What jobs of before it was there asked for: `all`. */
  ranks: Type.Optional(Type.Enum(['main', 'all'])),
  /** What jobs of before it was there asked for: none. */
  secrets: Type.Optional(list(SecretSpec, limits.secretsOfJobMax)),
  /** What jobs of before it was there asked for: no. */
  hold: Type.Optional(Type.Boolean()),
  gang: text(256),
  /** How many jobs the gang has. */
  gangSize: Type.Optional(count(limits.gangMax)),
  /** Its nodes are its own. */
  exclusive: Type.Optional(Type.Boolean()),
  /** Labels that each of its nodes has. */
  constraint: Type.Optional(labels),
  /** The kind of its gpus; '': any. */
  gpuKind: Type.Optional(text(256)),
  /** Countable things that it wants of each node, by name. */
  countables: Type.Optional(Type.Record(Type.String(), count(limits.namedCountMax))),
  preemptible: Type.Boolean(),
  /** What jobs of before it was there asked for: no. */
  slurm: Type.Optional(Type.Boolean()),
  notify: text(4096),
});
export type Spec = Static<typeof Spec>;

export const JobPhase = Type.Enum([
  'queued',
  'placing',
  'provisioning',
  'staging',
  'starting',
  'running',
  'collecting',
  'releasing',
  'ended',
]);
export type JobPhase = Static<typeof JobPhase>;

/** What existing terminals show: queued, waiting, transfer, running, finished, error, cancelled. */
export const JobLetter = Type.Enum(['Q', 'W', 'T', 'R', 'F', 'E', 'C']);
export type JobLetter = Static<typeof JobLetter>;

/** Where a job is to run: on nodes that are there, or on a cluster to be made at a site. */
export const Placement = Type.Object({
  cluster: name,
  /** The nodes, main first; of a cluster to be made they are named in advance. */
  nodes: list(name, limits.nodesMax),
  made: Type.Union([
    Type.Null(),
    Type.Object({
      remote: name,
      flavor: name,
      image: text(256),
      /** Per node and hour, in the site's currency. */
      price: Type.Number(),
      /** The time that is billed at least; a minute unless given. */
      unitMs: Type.Optional(count(86_400_000)),
      /** The site's storages that its machines have. */
      storages: Type.Optional(list(text(256), limits.storagesMax)),
    }),
  ]),
  resources: Resources,
  ports: list(Type.Integer(), limits.portsMax),
  /** Nobody else has anything of these nodes. */
  exclusive: Type.Optional(Type.Boolean()),
  /** Of a cluster that was kept and is there: how many nodes it has, which all cost. */
  warm: Type.Optional(count(limits.nodesMax)),
  /** How long it stays after the job. */
  keepMs: Type.Optional(count(limits.keepMsMax)),
});
export type Placement = Static<typeof Placement>;

/** A step of a job's life, as its timeline shows it. */
export const Mark = Type.Object({ at: instant, what: text(200) });
export type Mark = Static<typeof Mark>;

/** A job in a list. Instants are milliseconds since the epoch; 0: not yet. */
export const JobRow = Type.Object({
  id: uuid,
  name: text(64),
  owner: text(64),
  state: JobLetter,
  phase: JobPhase,
  details: text(4096),
  submittedAt: instant,
  startedAt: instant,
  endedAt: instant,
  exitcode: Type.Integer(),
  signal: Type.Integer(),
  attempt: Type.Integer(),
  run: Type.Integer(),
  cluster: text(100),
  nodes: list(text(100), limits.nodesMax),
  remote: text(100),
  flavor: text(100),
  account: text(256),
  comment: directiveText,
  /** The loopback address on which the job's `in` ports answer; '' if there are none. */
  address: text(64),
  /** What its script asks for: so many nodes, and this of each. */
  request: Type.Optional(requestOf(each)),
  /** What it holds, or held, of each node. */
  resources: Type.Optional(Resources),
  /** Of an array. */
  tasks: Type.Optional(TaskCounts),
  dag: Type.Optional(DagPlace),
});
export type JobRow = Static<typeof JobRow>;

export const JobView = Type.Object({
  ...JobRow.properties,
  spec: Spec,
  script: text(limits.scriptBytesMax),
  timeline: list(Mark, 1000),
  outputs: files,
  missing: paths,
  unenforced: list(text(512), 64),
  stdout: Type.Union([Type.Null(), BlobRef]),
  stderr: Type.Union([Type.Null(), BlobRef]),
  price: Type.Number(),
  /** What this run has cost so far, and the runs before it, in the currencies of the sites. */
  cost: Type.Optional(Type.Number()),
  costBefore: Type.Optional(Type.Number()),
  /** The last that is kept of it: its next attempt finds these files. */
  checkpoint: Type.Optional(
    Type.Union([Type.Null(), Type.Object({ at: instant, attempt: Type.Integer(), files })]),
  ),
  /** What this attempt has used, of those of its processes that were looked at. */
  used: Type.Optional(list(UsedByRank, limits.nodesMax)),
  /** Of an array: the tasks that were asked for. */
  shown: Type.Optional(list(TaskView, limits.arrayNamedMax)),
});
export type JobView = Static<typeof JobView>;

export const ClusterPhase = Type.Enum(['creating', 'joining', 'up', 'releasing', 'gone']);
export type ClusterPhase = Static<typeof ClusterPhase>;

export const FlavorRow = Type.Object({
  name,
  remote: name,
  resources: Resources,
  storageBytes: bytes,
  price: Type.Number(),
});
export type FlavorRow = Static<typeof FlavorRow>;

export const ImageRow = Type.Object({
  name: text(256),
  remote: name,
  kind: Type.Enum(['cloud', 'container']),
});
export type ImageRow = Static<typeof ImageRow>;
