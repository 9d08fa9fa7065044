import Type, { type TSchema } from 'typebox';
import { limits } from './limits.ts';
import {
  count,
  FlavorRow,
  ImageRow,
  instant,
  labels,
  list,
  name,
  Resources,
  Spec,
  Tenure,
  text,
  uuid,
} from './model.ts';
import { Policy } from './policy.ts';

const nothing = Type.Object({});
const attempt = count(1_000_000);
const maybe = <T extends TSchema>(shape: T) => Type.Union([Type.Null(), shape]);

/** What is said to the scheduler, and what it answers. */
export const schedulerShapes = {
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
          owner: Type.Optional(text(64)),
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
      /** Of one that is kept and that nobody holds: whose it is, and what it is made of. */
      warm: Type.Optional(
        Type.Object({
          owner: text(64),
          account: text(256),
          image: text(256),
          price: Type.Number(),
          unitMs: Type.Optional(count(86_400_000)),
          storages: Type.Optional(list(text(256), limits.storagesMax)),
        }),
      ),
      nodes: list(
        Type.Object({
          name,
          /** One that is silent may come back: nothing is placed there, but it counts. */
          up: Type.Boolean(),
          free: Resources,
          total: Resources,
          ports: list(Type.Integer(), 65_535),
          labels: Type.Optional(labels),
        }),
        limits.nodesMax,
      ),
      /** What is held of them, and by whom. */
      holds: Type.Optional(
        list(
          Type.Object({
            job: uuid,
            attempt,
            resources: Resources,
            ports: list(Type.Integer(), limits.portsMax),
            nodes: list(name, limits.nodesMax),
            exclusive: Type.Optional(Type.Boolean()),
            since: Type.Optional(instant),
            tenure: Type.Optional(Tenure),
          }),
          limits.asksMax,
        ),
      ),
    }),
    reply: nothing,
  },
  'job.preempt': {
    body: Type.Object({
      job: uuid,
      attempt,
      by: Type.Enum(['requeue', 'cancel']),
      /** The job that gets its room. */
      for: uuid,
      graceMs: count(86_400_000),
    }),
    reply: nothing,
  },
  'scheduler.policy': { body: Type.Object({ policy: Policy }), reply: nothing },
  'scheduler.check': {
    body: Type.Object({ spec: Spec, owner: Type.Optional(text(64)) }),
    /** '' if something here could run it; and how long it may run, if its queue says that. */
    reply: Type.Object({ impossible: text(4096), walltimeMs: Type.Optional(count(2 ** 52)) }),
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
      unitMs: Type.Optional(count(86_400_000)),
      keepMs: Type.Optional(count(limits.keepMsMax)),
      /** Without it the site has none. */
      storages: Type.Optional(list(text(256), limits.siteStoragesMax)),
      flavors: list(FlavorRow, 10_000),
      images: list(ImageRow, 10_000),
    }),
    reply: nothing,
  },
  'scheduler.offers': {
    body: nothing,
    reply: Type.Object({ flavors: list(FlavorRow, 100_000), images: list(ImageRow, 100_000) }),
  },
} as const;
