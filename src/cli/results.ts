import Type, { type TSchema } from 'typebox';
import { type EntryKind, kindsOfEntries, namesOfKind } from '../protocol/entry-kinds.ts';
import { EntryChange, EntryRow } from '../protocol/entry-shapes.ts';
import { errors } from '../protocol/errors.ts';
import type { Name } from '../protocol/messages.ts';
import {
  DagPlace,
  Failure,
  File,
  FlavorRow,
  ImageRow,
  JobPhase,
  JobRow,
  JobView,
  name,
  Spec,
  text,
  uuid,
} from '../protocol/model.ts';
import { ScheduleRow } from '../protocol/schedule-shapes.ts';
import { shapes } from '../protocol/shapes.ts';
import {
  AccountRow,
  ClusterRow,
  NodeRow,
  RemoteRow,
  SiteRow,
  UsageRow,
} from '../protocol/terminal-shapes.ts';

const replyOf = <N extends Name>(of: N): TSchema => shapes[of].reply;
const instant = Type.Integer({ minimum: 0 });
/** As `Date` says it. */
const moment = Type.String();
const path = Type.String();
const port = Type.Integer({ minimum: 0, maximum: 65_535 });

/** What a command that fails prints in the place of its result. */
export const Trouble = Type.Object({
  error: Type.Object({
    code: Type.Enum(Object.keys(errors) as (keyof typeof errors)[]),
    text: Type.String(),
    retry: Type.Boolean(),
    mend: Type.String(),
  }),
});

const Refusal = Type.Object({
  id: text(64),
  error: Failure,
});
const each = (of: 'job.cancel' | 'job.hold' | 'job.release'): TSchema =>
  Type.Array(Type.Union([replyOf(of), Refusal]));

const AtSite = Type.Object({ remote: name, ...SiteRow.properties });
const { path: inside, sha256, bytes } = File.properties;
const Fetched = Type.Object({ path: inside, sha256, bytes });
const Invited = Type.Union([
  Type.Object({ name, file: path, heads: Type.Array(text(256)), caFingerprint: text(200) }),
  replyOf('head.add'),
]);
const Exit = Type.Object({ id: uuid, exitcode: Type.Integer() });
const Named = Type.Object({ name });
const Context = Type.Object({
  name: Type.String(),
  current: Type.Optional(Type.Boolean()),
  url: Type.Optional(Type.String()),
  spool: Type.Optional(path),
  cert: Type.Optional(path),
  key: Type.Optional(path),
  ca: Type.Optional(path),
});
const count = Type.Integer({ minimum: 0 });
const amount = Type.Number({ minimum: 0 });
const Simulated = Type.Object({
  policy: Type.String(),
  jobs: count,
  never: count,
  waitMeanMs: amount,
  waitMedianMs: amount,
  wait95Ms: amount,
  slowdown: amount,
  utilisation: amount,
  makespanMs: amount,
  cost: amount,
});
const Sums = Type.Object({
  node: Type.String(),
  leader: Type.String(),
  trouble: Type.Array(Type.String()),
  jobs: Type.Object({
    waiting: count,
    running: count,
    ending: count,
    submitted: count,
    ended: count,
  }),
  nodes: Type.Object({ up: count, silent: count, drained: count }),
  cpus: Type.Object({ all: count, held: count }),
  clusters: count,
  pricePerHour: Type.Number(),
});
const Change = Type.Union([
  Type.Object({
    at: instant,
    what: Type.Enum(['jobs', 'nodes', 'clusters']),
    key: Type.String(),
    revision: Type.Integer(),
    row: Type.Union([Type.Null(), JobRow, NodeRow, ClusterRow]),
  }),
  Type.Object({ at: instant, id: uuid, what: Type.String() }),
]);

const Dag = Type.Union([
  Type.Object({ id: uuid, name, jobs: Type.Record(Type.String(), uuid) }),
  Type.Object({
    name,
    jobs: Type.Array(
      Type.Object({
        name,
        file: path,
        script: Type.String(),
        needs: DagPlace.properties.needs,
      }),
    ),
  }),
]);

/** What was entered, by kind and name. */
const Pages = Type.Record(Type.String(), Type.Record(Type.String(), EntryRow.properties.fields));

/** The verbs of each kind of entry. */
const ofEntries = (kind: EntryKind): Readonly<Record<string, TSchema>> => {
  const changed = replyOf('entry.change');
  return {
    [`${kind} list`]: Type.Array(EntryRow),
    [`${kind} show`]: EntryRow,
    ...(namesOfKind(kind) === undefined && {
      [`${kind} create`]: changed,
      [`${kind} clone`]: changed,
    }),
    [`${kind} set`]: changed,
    [`${kind} remove`]: changed,
  };
};

/**
 * What each verb prints by `--json`: the shape of its result, or of each line where it goes on;
 * null of those that print none. Where the result is an answer of a head, so is its shape.
 */
export const results: Readonly<Record<string, TSchema | null>> = {
  submit: Type.Union([
    replyOf('job.submit'),
    JobRow,
    Type.Object({ spec: Spec, inputs: Type.Array(File) }),
    Dag,
  ]),
  'dag submit': Dag,
  'dag show': Type.Array(JobRow),
  'dag cancel': Type.Array(uuid),
  jobs: Type.Array(JobRow),
  show: JobView,
  why: Type.Object({
    id: uuid,
    phase: JobPhase,
    since: instant,
    reasons: Type.Array(Type.String()),
    change: shapes['job.why'].reply.properties.change,
  }),
  when: replyOf('job.when'),
  plan: replyOf('job.plan'),
  forward: Type.Object({ id: uuid, host: Type.String(), local: port, port }),
  exec: Exit,
  attach: Exit,
  alloc: Exit,
  put: Type.Array(Fetched),
  events: Change,
  logs: Type.Object({
    id: uuid,
    stream: Type.Enum(['stdout', 'stderr']),
    offset: Type.Integer({ minimum: 0 }),
    text: Type.String(),
  }),
  cancel: each('job.cancel'),
  requeue: replyOf('job.requeue'),
  checkpoint: replyOf('job.checkpoint'),
  hold: each('job.hold'),
  release: each('job.release'),
  update: replyOf('job.update'),
  usage: Type.Array(UsageRow),
  accounts: Type.Array(AccountRow),
  simulate: Type.Array(Simulated),
  get: Type.Array(Fetched),
  nodes: Type.Array(NodeRow),
  clusters: Type.Array(Type.Union([ClusterRow, AtSite])),
  flavors: Type.Array(FlavorRow),
  images: Type.Array(ImageRow),
  remotes: Type.Array(RemoteRow),
  top: Sums,
  shell: null,
  status: Type.Object({
    ...shapes['node.status'].reply.properties,
    user: replyOf('user.show'),
  }),
  'schedule add': replyOf('schedule.add'),
  'schedule list': Type.Array(ScheduleRow),
  'schedule remove': Type.Array(Named),
  'schedule pause': Type.Array(Named),
  'schedule resume': Type.Array(Named),
  'secret set': replyOf('secret.set'),
  'secret list': shapes['secret.list'].reply.properties.secrets,
  'secret rm': replyOf('secret.remove'),
  'head list': shapes['head.list'].reply.properties.heads,
  'head add': Invited,
  'head remove': Named,
  'leader transfer': replyOf('head.transfer'),
  'node add': Invited,
  'node drain': replyOf('node.drain'),
  'node resume': replyOf('node.resume'),
  'node gone': replyOf('node.gone'),
  'user add': Invited,
  'user list': shapes['user.list'].reply.properties.users,
  'user revoke': replyOf('user.revoke'),
  'cert enrol': Type.Object({
    name: Type.String(),
    heads: Type.Array(text(256)),
    until: moment,
    certificate: path,
    key: path,
    chain: path,
  }),
  'cert renew': Type.Object({ certificate: path, until: moment }),
  'cert show': Type.Object({
    name: Type.String(),
    id: Type.String(),
    until: moment,
    expired: Type.Boolean(),
    file: path,
  }),
  ...Object.assign({}, ...kindsOfEntries.map(ofEntries)),
  'admin export': Pages,
  'admin import': Type.Object({ changes: Type.Array(EntryChange) }),
  'context add': Context,
  'context use': Type.Object({ name: Type.String() }),
  'context list': Type.Array(Context),
  'context remove': Type.Object({ name: Type.String() }),
  audit: shapes['audit.list'].reply.properties.rows,
  sweep: Type.Object({ swept: Type.Boolean(), strays: Type.Array(AtSite) }),
  backup: Type.Object({ file: path, ...shapes['head.backup'].reply.properties }),
  restore: Type.Object({
    spool: path,
    head: name,
    index: count,
    term: count,
    at: instant,
    former: path,
  }),
  init: Type.Object({ spool: path, installation: text(64), caFingerprint: text(200) }),
  slurm: null,
  'slurm-shim': Type.Object({ directory: path, commands: Type.Array(Type.String()) }),
  start: null,
  dev: null,
  completion: null,
  schema: null,
};
