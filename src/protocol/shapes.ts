import Type, { type TSchema } from 'typebox';
import { limits } from './limits.ts';
import type { messages } from './messages.ts';
import {
  BlobRef,
  ClusterPhase,
  ClusterRow,
  count,
  Failure,
  FlavorRow,
  files,
  HeadRow,
  ImageRow,
  Invitation,
  JobPhase,
  JobRow,
  JobView,
  NodeRow,
  name,
  Order,
  Placement,
  RemoteRow,
  Report,
  Resources,
  Spec,
  sha256,
  text,
  uuid,
} from './model.ts';

const list = <T extends TSchema>(item: T, maxItems: number) => Type.Array(item, { maxItems });
const nothing = Type.Object({});
/** Whether an answer will do that lacks what was written in the last moments. */
const fresh = { stale: Type.Optional(Type.Boolean()) };
const page = { limit: Type.Optional(count(limits.pageMax)), after: Type.Optional(text(200)) };
const ofJob = Type.Object({ id: text(64) });
const instant = Type.Integer({ minimum: 0 });
const attempt = count(1_000_000);
const index = count(2 ** 52);
const place = { index, term: index };
const position = Type.Object(place);
const bytes = Type.Refine(Type.Unsafe<Uint8Array>({}), (value) => value instanceof Uint8Array);
const maybe = <T extends TSchema>(shape: T) => Type.Union([Type.Null(), shape]);

/** What each message carries, and its answer, by the name it has in the table. */
export const shapes = {
  'job.submit': {
    body: Type.Object({
      /** The script itself, or '' where it was sent as a blob. */
      script: text(limits.scriptBytesMax),
      scriptBlob: Type.Optional(BlobRef),
      /** What errors call the script. */
      file: Type.Optional(text(4096)),
      inputs: files,
      key: Type.Optional(text(200)),
      /** An address that reaches the submitter, for ports that lead out. */
      from: Type.Optional(text(256)),
    }),
    reply: Type.Object({ id: uuid }),
  },
  'job.list': {
    body: Type.Object({
      ...page,
      ...fresh,
      states: Type.Optional(text(16)),
      name: Type.Optional(text(64)),
    }),
    reply: Type.Object({ jobs: list(JobRow, limits.pageMax), next: text(200) }),
  },
  'job.show': {
    body: Type.Object({ id: text(64), ...fresh }),
    reply: Type.Object({ job: JobView }),
  },
  'job.cancel': { body: ofJob, reply: Type.Object({ id: uuid, phase: JobPhase }) },
  'job.requeue': { body: ofJob, reply: Type.Object({ id: uuid, run: Type.Integer() }) },
  'node.list': { body: Type.Object(fresh), reply: Type.Object({ nodes: list(NodeRow, 100_000) }) },
  'cluster.list': {
    body: Type.Object({ all: Type.Optional(Type.Boolean()), ...fresh }),
    reply: Type.Object({ clusters: list(ClusterRow, 100_000) }),
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
  'user.show': {
    body: nothing,
    reply: Type.Object({ id: text(64), operator: Type.Boolean() }),
  },
  'job.purge': {
    /** Only if it ended before that instant. */
    body: Type.Object({ id: text(64), before: Type.Optional(instant) }),
    reply: Type.Object({ id: uuid }),
  },
  'node.gone': {
    body: Type.Object({ node: name }),
    reply: Type.Object({ node: name, cluster: text(100) }),
  },
  'head.list': { body: nothing, reply: Type.Object({ heads: list(HeadRow, 100) }) },
  'head.add': { body: Type.Object({ name, address: text(256) }), reply: Invitation },
  'head.remove': { body: Type.Object({ name }), reply: nothing },
  'head.transfer': {
    /** '' lets the group choose. */
    body: Type.Object({ to: text(100) }),
    reply: Type.Object({ leader: text(100) }),
  },
  'node.add': { body: Type.Object({ name }), reply: Invitation },

  'job.create': {
    body: Type.Object({
      id: uuid,
      owner: text(64),
      spec: Spec,
      script: text(limits.scriptInlineBytesMax),
      scriptBlob: maybe(BlobRef),
      inputs: files,
      digest: text(64),
      from: text(256),
    }),
    reply: Type.Object({ id: uuid }),
  },
  'job.place': {
    body: Type.Object({ id: uuid, attempt, placement: Placement }),
    reply: nothing,
  },
  'job.cluster': {
    body: Type.Object({
      job: uuid,
      attempt,
      cluster: name,
      phase: ClusterPhase,
      detail: text(4096),
      /** Address of each node of the hold, and whether it is up. */
      nodes: list(
        Type.Object({
          name,
          address: text(256),
          phase: Type.Enum(['expected', 'up', 'silent', 'gone']),
          since: instant,
        }),
        limits.nodesMax,
      ),
      failure: maybe(Failure),
    }),
    reply: nothing,
  },
  'job.report': { body: Report, reply: nothing },
  'cluster.claim': {
    body: Type.Object({
      cluster: name,
      job: uuid,
      attempt,
      owner: text(64),
      placement: Placement,
    }),
    reply: nothing,
  },
  'cluster.unclaim': {
    body: Type.Object({ cluster: name, job: uuid, attempt }),
    /** Whether all that the hold stood for is gone, or free again. */
    reply: Type.Object({ gone: Type.Boolean() }),
  },
  'cluster.news': {
    body: Type.Object({ cluster: name, job: uuid, attempt }),
    reply: nothing,
  },
  'cluster.forget': { body: Type.Object({ cluster: name, before: instant }), reply: nothing },
  'cluster.condemn': {
    body: Type.Object({ cluster: name, remote: name, externalId: text(1024) }),
    reply: nothing,
  },
  'cluster.node': {
    body: Type.Object({
      cluster: name,
      node: name,
      phase: Type.Enum(['expected', 'up', 'silent', 'gone']),
      since: instant,
      address: text(256),
      resources: Resources,
    }),
    reply: nothing,
  },
  'scheduler.job': {
    body: Type.Object({
      id: uuid,
      /** Null: it waits no more. */
      waits: maybe(
        Type.Object({
          attempt,
          submittedAt: instant,
          notBefore: instant,
          spec: Spec,
        }),
      ),
    }),
    reply: nothing,
  },
  'scheduler.cluster': {
    body: Type.Object({
      cluster: name,
      /** Standing clusters take any job; one that was made for a job takes none. */
      open: Type.Boolean(),
      /** The claim that these news tell of; until then, a proposal may be on its way. */
      claimed: maybe(Type.Object({ job: uuid, attempt })),
      /** What it costs its site: nodes times flavor, while it is claimed. */
      made: maybe(Type.Object({ remote: name, flavor: name, nodes: count(limits.nodesMax) })),
      nodes: list(
        Type.Object({
          name,
          /** One that is silent may come back: nothing is placed there, but it counts. */
          up: Type.Boolean(),
          free: Resources,
          total: Resources,
          ports: list(Type.Integer(), 65_535),
        }),
        limits.nodesMax,
      ),
    }),
    reply: nothing,
  },
  'scheduler.check': {
    body: Type.Object({ spec: Spec }),
    /** '' if something here could run it. */
    reply: Type.Object({ impossible: text(4096) }),
  },
  'scheduler.why': {
    body: Type.Object({ ids: list(uuid, limits.pageMax) }),
    /** Only of jobs that wait. */
    reply: Type.Object({ reasons: Type.Record(Type.String(), text(1024)) }),
  },
  'scheduler.site': {
    body: Type.Object({
      remote: name,
      clustersMax: count(1_000_000),
      cpusMax: count(10_000_000),
      defaultFlavor: text(100),
      defaultImage: text(256),
      flavors: list(FlavorRow, 10_000),
      images: list(ImageRow, 10_000),
    }),
    reply: nothing,
  },
  'node.expect': {
    body: Type.Object({
      node: name,
      cluster: name,
      role: Type.Enum(['head', 'worker']),
      /** SHA-256 of the join token. */
      tokenHash: sha256,
      expiresAt: instant,
    }),
    reply: nothing,
  },
  'node.join': {
    body: Type.Object({ node: name, tokenHash: sha256, publicKey: text(4096) }),
    reply: Type.Object({ role: Type.Enum(['head', 'worker']), cluster: name }),
  },
  'node.link': {
    body: Type.Object({ node: name, up: Type.Boolean(), why: text(1024) }),
    reply: nothing,
  },
  'node.remove': { body: Type.Object({ node: name }), reply: nothing },
  'node.forget': { body: Type.Object({ node: name, before: instant }), reply: nothing },
  'head.keys': {
    body: nothing,
    reply: Type.Object({
      /** PEM of the authority's key. */
      key: text(10_000),
      users: list(Type.Object({ name, certificate: text(10_000) }), 10_000),
    }),
  },
  'head.current': { body: nothing, reply: Type.Object({ index: count(2 ** 50) }) },
  'scheduler.offers': {
    body: nothing,
    reply: Type.Object({ flavors: list(FlavorRow, 100_000), images: list(ImageRow, 100_000) }),
  },
  'gate.offer': { body: Type.Object({ remote: name }), reply: nothing },

  'runner.order': { body: Order, reply: nothing },
  'runner.go': { body: Type.Object({ runner: text(100) }), reply: nothing },
  'runner.stop': {
    body: Type.Object({
      runner: text(100),
      node: name,
      job: uuid,
      attempt,
      rank: count(limits.nodesMax),
      failure: maybe(Failure),
      graceMs: count(86_400_000),
    }),
    reply: nothing,
  },
  'runner.taken': {
    body: Type.Object({ runner: text(100), seq: count(2 ** 40) }),
    reply: nothing,
  },
  'runner.forget': {
    body: Type.Object({ runner: text(100), before: instant }),
    reply: nothing,
  },
  'node.leader': {
    body: Type.Object({ leader: text(100), term: count(2 ** 40), heads: list(text(256), 100) }),
    reply: nothing,
  },
  'node.hello': {
    body: Type.Object({ node: name, address: text(256), resources: Resources, version: text(64) }),
    reply: nothing,
  },

  'raft.ask': {
    body: Type.Object({ term: index, pre: Type.Boolean(), last: position, handed: Type.Boolean() }),
    reply: nothing,
  },
  'raft.voted': {
    body: Type.Object({
      term: index,
      pre: Type.Boolean(),
      granted: Type.Boolean(),
      waitMs: Type.Number({ minimum: 0 }),
    }),
    reply: nothing,
  },
  'raft.append': {
    body: Type.Object({
      term: index,
      prev: position,
      upTo: index,
      committed: index,
      round: index,
      entries: list(bytes, 100_000),
    }),
    reply: nothing,
  },
  'raft.appended': {
    body: Type.Object({
      term: index,
      matched: index,
      round: index,
      refused: Type.Optional(Type.Object({ prev: index, hint: position })),
    }),
    reply: nothing,
  },
  'raft.campaign': { body: Type.Object({ term: index }), reply: nothing },
  'raft.offer': {
    body: Type.Object({
      leaderTerm: index,
      ...place,
      at: instant,
      members: Type.Object({ voters: list(name, 100), learners: list(name, 100) }),
      bytes: index,
      sha256,
    }),
    reply: nothing,
  },
} as const satisfies Record<keyof typeof messages, { body: TSchema; reply: TSchema }>;
