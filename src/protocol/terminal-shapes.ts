import Type, { type Static, type TSchema } from 'typebox';
import { NamedTasks } from './array-model.ts';
import { limits } from './limits.ts';
import {
  After,
  BlobRef,
  ClusterPhase,
  count,
  DagPlace,
  FlavorRow,
  files,
  ImageRow,
  JobPhase,
  JobRow,
  JobView,
  name,
  Resources,
  text,
  uuid,
} from './model.ts';
import { SecretRow, secretName } from './secret-model.ts';

const list = <T extends TSchema>(item: T, maxItems: number) => Type.Array(item, { maxItems });
const nothing = Type.Object({});
const instant = Type.Integer({ minimum: 0 });
const unshown = '\\x00-\\x1f\\x7f-\\x9f\\u00ad\\u2028-\\u202e\\u2060-\\u206f\\ufeff';
/** A line that can be seen, as the directive has it. */
const jobName = Type.String({
  maxLength: limits.nameCharsMax,
  pattern: `^[^ ${unshown}][^${unshown}]*$`,
});
const ofJob = Type.Object({ id: text(64) });
/** Of an array, all its tasks or some. */
const ofTasks = Type.Object({ id: text(64), tasks: Type.Optional(NamedTasks) });
const page = { limit: Type.Optional(count(limits.pageMax)), after: Type.Optional(text(200)) };
/** Whether an answer will do that lacks what was written in the last moments. */
/** As of when an answer is, ms since the epoch. */
const dated = { asOf: Type.Optional(instant) };
const fresh = { stale: Type.Optional(Type.Boolean()) };

export const NodeRow = Type.Object({
  name,
  role: Type.Enum(['head', 'worker']),
  cluster: text(100),
  address: text(256),
  phase: Type.Enum(['expected', 'up', 'silent', 'gone']),
  since: instant,
  resources: Resources,
  jobs: list(text(64), 10_000),
  /** It takes no new jobs since then, and why. */
  drained: Type.Optional(
    Type.Union([Type.Null(), Type.Object({ since: instant, reason: text(1024) })]),
  ),
});
export type NodeRow = Static<typeof NodeRow>;

export const RemoteRow = Type.Object({
  name,
  kind: text(64),
  defaultFlavor: text(100),
  defaultImage: text(256),
});
export type RemoteRow = Static<typeof RemoteRow>;

export const ClusterRow = Type.Object({
  name,
  phase: ClusterPhase,
  details: text(4096),
  remote: text(100),
  flavor: text(100),
  nodes: list(name, limits.nodesMax),
  jobs: list(text(64), 10_000),
  since: instant,
  price: Type.Number(),
  createdAt: Type.Optional(instant),
  /** Nobody holds it, and until then it stays for the next job of its owner. */
  keptUntil: Type.Optional(instant),
  /** What it has cost since, in the site's currency. */
  cost: Type.Optional(Type.Number()),
});
export type ClusterRow = Static<typeof ClusterRow>;

/** What a site has, beside what its records say of it. */
export const SiteRow = Type.Object({
  name: text(256),
  externalId: text(1024),
  /** The site's own word; '' if it tells of no such thing. */
  status: text(64),
  createdAt: instant,
  /** `stray`: ours, and nobody claims it. `missing`: claimed, and the site does not have it. */
  mark: Type.Enum(['claimed', 'stray', 'foreign', 'missing']),
  /** Of the cluster of that name; '' if there is none. */
  phase: text(16),
});
export type SiteRow = Static<typeof SiteRow>;

/** What jobs used. */
export const UsageRow = Type.Object({
  /** The user's id, or the account; '' of jobs that name none. */
  name: text(256),
  jobs: count(2 ** 50),
  /** The time of each run, by the cores that were its. */
  coreMs: count(2 ** 53 - 1),
  /** In the currency of the sites. */
  cost: Type.Number(),
});
export type UsageRow = Static<typeof UsageRow>;

/** What an account has cost, since the first cluster that was made for it. */
export const AccountRow = Type.Object({
  name: text(256),
  /** So far, in the currency of the sites; and what its clusters cost now, by the hour. */
  spent: Type.Number(),
  perHour: Type.Number(),
  clusters: count(2 ** 30),
  /** What it may cost; left out of one that may cost what it does. */
  budget: Type.Optional(Type.Number()),
});
export type AccountRow = Static<typeof AccountRow>;

/** What terminals ask, and are answered; merged into the shapes of all messages. */
export const terminalShapes = {
  'job.submit': {
    body: Type.Object({
      /** The script itself, or '' where it was sent as a blob. */
      script: text(limits.scriptBytesMax),
      scriptBlob: Type.Optional(BlobRef),
      /** What errors call the script. */
      file: Type.Optional(text(4096)),
      inputs: files,
      key: Type.Optional(text(200)),
      /** It is cancelled unless it is said, by `job.tie`, that its terminal is still there. */
      tied: Type.Optional(Type.Boolean()),
      /** An address that reaches the submitter, for ports that lead out. */
      from: Type.Optional(text(256)),
      /** What it waits for besides what its script says. */
      after: Type.Optional(After),
      /** It is held, as if its script said so. */
      hold: Type.Optional(Type.Boolean()),
      dag: Type.Optional(DagPlace),
    }),
    reply: Type.Object({ id: uuid }),
  },
  'job.list': {
    body: Type.Object({
      ...page,
      ...fresh,
      states: Type.Optional(text(16)),
      name: Type.Optional(text(64)),
      account: Type.Optional(text(256)),
      /** Only those of a DAG, of that name or of an id that begins so. */
      dag: Type.Optional(text(100)),
      /** Only those that were submitted then, or later. */
      since: Type.Optional(instant),
    }),
    reply: Type.Object({ jobs: list(JobRow, limits.pageMax), next: text(200), ...dated }),
  },
  'job.show': {
    body: Type.Object({ id: text(64), tasks: Type.Optional(NamedTasks), ...fresh }),
    reply: Type.Object({ job: JobView, ...dated }),
  },
  'job.cancel': { body: ofTasks, reply: Type.Object({ id: uuid, phase: JobPhase }) },
  'job.checkpoint': { body: ofJob, reply: Type.Object({ id: uuid }) },
  'job.hold': { body: ofJob, reply: Type.Object({ id: uuid }) },
  'job.release': { body: ofJob, reply: Type.Object({ id: uuid }) },
  /** Until when it is not cancelled for that. */
  'job.tie': { body: ofJob, reply: Type.Object({ id: uuid, until: instant }) },
  'job.update': {
    /** Bounded as the directives of those names are. */
    body: Type.Object({
      id: text(64),
      priority: Type.Optional(
        Type.Integer({ minimum: -limits.priorityMax, maximum: limits.priorityMax }),
      ),
      walltimeMs: Type.Optional(Type.Integer({ minimum: 1_000, maximum: limits.walltimeMsMax })),
      name: Type.Optional(jobName),
    }),
    reply: Type.Object({ id: uuid }),
  },
  'usage.list': {
    body: Type.Object({
      ...page,
      by: Type.Optional(Type.Enum(['user', 'account'])),
      /** Only of jobs that were submitted then or later, and before. */
      since: Type.Optional(instant),
      until: Type.Optional(instant),
    }),
    /** Of the jobs of this page: who reads all pages adds up what has the same name. */
    reply: Type.Object({ rows: list(UsageRow, limits.pageMax), next: text(200), ...dated }),
  },
  'account.list': { body: nothing, reply: Type.Object({ accounts: list(AccountRow, 100_000) }) },
  'job.requeue': { body: ofTasks, reply: Type.Object({ id: uuid, run: Type.Integer() }) },
  'node.list': {
    body: Type.Object(fresh),
    reply: Type.Object({ nodes: list(NodeRow, 100_000), ...dated }),
  },
  'cluster.list': {
    body: Type.Object({ all: Type.Optional(Type.Boolean()), ...fresh }),
    reply: Type.Object({ clusters: list(ClusterRow, 100_000), ...dated }),
  },
  'flavor.list': { body: nothing, reply: Type.Object({ flavors: list(FlavorRow, 100_000) }) },
  'image.list': { body: nothing, reply: Type.Object({ images: list(ImageRow, 100_000) }) },
  'remote.list': { body: nothing, reply: Type.Object({ remotes: list(RemoteRow, 10_000) }) },
  'node.status': {
    body: nothing,
    reply: Type.Object({
      node: text(100),
      version: text(64),
      installation: text(64),
      since: instant,
      term: count(2 ** 40),
      /** Who leads as far as this node knows, or ''. */
      leader: Type.Optional(text(100)),
      role: Type.Optional(Type.Enum(['leader', 'follower', 'candidate', 'learner'])),
      /** Last entry of the log that this node has applied, and that it knows to be committed. */
      applied: Type.Optional(count(2 ** 50)),
      committed: Type.Optional(count(2 ** 50)),
      /** Voters, and how many of them this node hears: more than half are a quorum. */
      voters: Type.Optional(count(100)),
      reachable: Type.Optional(count(100)),
      /** When the last snapshot was made or taken here; 0: never. */
      snapshotAt: Type.Optional(instant),
      actors: count(2 ** 40),
      rssBytes: count(2 ** 50),
      trouble: list(text(1024), 100),
    }),
  },
  'secret.set': {
    body: Type.Object({
      name: secretName,
      /** The value. What is called so is hidden wherever something is noted. */
      secret: text(limits.secretBytesMax),
      /** For the jobs of everybody; only operators may. */
      shared: Type.Optional(Type.Boolean()),
    }),
    reply: Type.Object({ name: secretName }),
  },
  'secret.list': { body: nothing, reply: Type.Object({ secrets: list(SecretRow, 100_000) }) },
  'secret.remove': {
    body: Type.Object({ name: secretName, shared: Type.Optional(Type.Boolean()) }),
    reply: Type.Object({ name: secretName }),
  },
  'user.show': {
    body: nothing,
    reply: Type.Object({ id: text(64), operator: Type.Boolean() }),
  },
  'job.purge': {
    /** Only if it ended before that instant. */
    body: Type.Object({ id: text(64), before: Type.Optional(instant) }),
    reply: Type.Object({ id: uuid }),
  },
  'gate.list': {
    body: Type.Object({ remote: name }),
    reply: Type.Object({
      /** Strays first; `more` that are not told for want of room. */
      rows: list(SiteRow, limits.siteRowsMax),
      more: count(2 ** 40),
      /** Since when no site is swept; 0 if they are. */
      unsweptSince: instant,
    }),
  },
  'sweep.confirm': { body: nothing, reply: nothing },
  'node.drain': {
    body: Type.Object({
      node: name,
      reason: Type.Optional(text(1024)),
      /** Whether what runs there is to run elsewhere, instead of to its end. */
      requeue: Type.Optional(Type.Boolean()),
    }),
    reply: Type.Object({ node: name }),
  },
  'node.resume': { body: Type.Object({ node: name }), reply: Type.Object({ node: name }) },
  'node.gone': {
    body: Type.Object({ node: name }),
    reply: Type.Object({ node: name, cluster: text(100) }),
  },
} as const;
