import Type, { type TSchema } from 'typebox';
import { ShiftOf } from './array-model.ts';
import { arrayShapes } from './array-shapes.ts';
import { Order, Report } from './attempt.ts';
import { dependencyShapes } from './dependency-shapes.ts';
import { entryShapes } from './entry-shapes.ts';
import { foresightShapes } from './foresight-shapes.ts';
import { headShapes } from './head-shapes.ts';
import { heraldShapes } from './job-change.ts';
import { limits } from './limits.ts';
import type { messages } from './messages.ts';
import {
  BlobRef,
  ClusterPhase,
  count,
  Failure,
  files,
  name,
  Placement,
  Spec,
  Tenure,
  text,
  uuid,
} from './model.ts';
import { drained, nodeShapes } from './node-shapes.ts';
import { reputeShapes } from './repute-shapes.ts';
import { scheduleShapes } from './schedule-shapes.ts';
import { schedulerShapes } from './scheduler-shapes.ts';
import { secretName } from './secret-model.ts';
import { terminalShapes } from './terminal-shapes.ts';
import { userShapes } from './user-shapes.ts';

const list = <T extends TSchema>(item: T, maxItems: number) => Type.Array(item, { maxItems });
const nothing = Type.Object({});
const instant = Type.Integer({ minimum: 0 });
const attempt = count(1_000_000);
const ofRank = Type.Object({ job: uuid, node: name, attempt, rank: count(limits.nodesMax) });
const maybe = <T extends TSchema>(shape: T) => Type.Union([Type.Null(), shape]);

/** What each message carries, and its answer, by the name it has in the table. */
export const shapes = {
  ...terminalShapes,
  ...headShapes,
  ...entryShapes,
  ...nodeShapes,
  ...heraldShapes,
  ...schedulerShapes,
  ...foresightShapes,
  ...reputeShapes,
  ...userShapes,
  ...arrayShapes,
  ...dependencyShapes,
  ...scheduleShapes,

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
      tied: Type.Optional(Type.Boolean()),
      /** It runs tasks of an array. */
      shift: Type.Optional(ShiftOf),
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
          drained,
        }),
        limits.nodesMax,
      ),
      failure: maybe(Failure),
      /** Nodes that their site takes back, or has taken. */
      evicted: Type.Optional(list(name, limits.nodesMax)),
    }),
    reply: nothing,
  },
  'job.report': { body: Report, reply: nothing },
  'job.lease': { body: ofRank, reply: nothing },
  'job.secrets': {
    body: ofRank,
    /** The values by their names. */
    reply: Type.Object({
      secrets: Type.Record(Type.String(), text(limits.secretBytesMax)),
    }),
  },
  'secret.keep': {
    body: Type.Object({ owner: text(64), name: secretName, sealed: text(limits.sealedCharsMax) }),
    reply: Type.Object({ name: secretName }),
  },
  'secret.drop': {
    body: Type.Object({ owner: text(64), name: secretName }),
    reply: Type.Object({ name: secretName }),
  },
  'cluster.claim': {
    body: Type.Object({
      cluster: name,
      job: uuid,
      attempt,
      owner: text(64),
      placement: Placement,
      account: Type.Optional(text(256)),
      tenure: Type.Optional(Tenure),
    }),
    reply: nothing,
  },
  'cluster.unclaim': {
    body: Type.Object({
      cluster: name,
      job: uuid,
      attempt,
      /** Whether it may stay for another job: nothing of this one is left there. */
      keep: Type.Optional(Type.Boolean()),
    }),
    /** Whether all that the hold stood for is gone, or free again. */
    reply: Type.Object({ gone: Type.Boolean() }),
  },
  'cluster.news': { body: Type.Object({ cluster: name, job: uuid, attempt }), reply: nothing },
  'cluster.forget': { body: Type.Object({ cluster: name, before: instant }), reply: nothing },
  'cluster.condemn': {
    body: Type.Object({ cluster: name, remote: name, externalId: text(1024) }),
    reply: nothing,
  },
  'cluster.overspent': {
    body: Type.Object({
      cluster: name,
      life: count(2 ** 40),
      failure: Failure,
      /** It goes at once, whoever holds it. */
      final: Type.Boolean(),
    }),
    reply: nothing,
  },
  'job.overspent': { body: Type.Object({ job: uuid, attempt, failure: Failure }), reply: nothing },
  'account.charge': {
    body: Type.Object({
      account: name,
      cluster: name,
      life: count(2 ** 40),
      since: instant,
      /** 0: it begins. */
      until: instant,
      perHour: Type.Number({ minimum: 0 }),
      unitMs: Type.Integer({ minimum: 1 }),
    }),
    reply: nothing,
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
      /** How long it may take to save itself before; not at all unless given. */
      saveMs: Type.Optional(count(86_400_000)),
    }),
    reply: nothing,
  },
  'runner.taken': {
    body: Type.Object({ runner: text(100), seq: count(2 ** 40) }),
    reply: nothing,
  },
  'runner.checkpoint': { body: Type.Object({ runner: text(100) }), reply: nothing },
  'runner.forget': {
    body: Type.Object({ runner: text(100), before: instant }),
    reply: nothing,
  },
} as const satisfies Record<keyof typeof messages, { body: TSchema; reply: TSchema }>;
