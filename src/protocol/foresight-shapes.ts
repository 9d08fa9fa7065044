import Type, { type Static, type TSchema } from 'typebox';
import { limits } from './limits.ts';
import { instant, JobPhase, list, Placement, Spec, text, uuid } from './model.ts';

const maybe = <T extends TSchema>(shape: T) => Type.Union([Type.Null(), shape]);

/** One thing that, if it were otherwise, would start a job that waits. */
export const Remedy = Type.Object({
  /** `ask`: it asks for something else; the others are done to `job`. */
  does: Type.Enum(['ask', 'hold', 'cancel']),
  /** What its script would say; without a value it would not say it. */
  directive: text(320),
  value: text(8_192),
  job: maybe(uuid),
});
export type Remedy = Static<typeof Remedy>;

/**
 * When a job starts: in eight of ten cases from then until then. Null: so late that nobody looked,
 * or as far as anybody knows never; `from` alone: later than that.
 */
export const Start = Type.Object({
  from: maybe(instant),
  likely: maybe(instant),
  until: maybe(instant),
});
export type Start = Static<typeof Start>;

const reasons = list(text(1024), 64);
const id = text(64);

/** What is asked about jobs that wait, or would. */
export const foresightShapes = {
  'job.why': {
    body: Type.Object({ id }),
    /** `waits`: whether it waits for a place. The reason that binds is the first. */
    reply: Type.Object({
      ...{ id: uuid, phase: JobPhase, waits: Type.Boolean(), reasons },
      change: maybe(Remedy),
    }),
  },
  'job.when': {
    body: Type.Object({ id }),
    /** Of a job that waits for no place: when it started, if it has. */
    reply: Type.Object({
      ...{ id: uuid, phase: JobPhase, waits: Type.Boolean(), startedAt: instant },
      start: maybe(Start),
    }),
  },
  'job.plan': {
    body: Type.Object({
      script: text(limits.scriptInlineBytesMax),
      /** How errors call the script. */
      file: Type.Optional(text(4_096)),
    }),
    /** `placement`: as it looks now. Without a walltime nobody knows what it will have cost. */
    reply: Type.Object({
      ...{ start: Start, reasons, placement: maybe(Placement) },
      walltimeMs: Type.Integer({ minimum: 0 }),
      pricePerHour: Type.Number(),
      cost: maybe(Type.Number()),
    }),
  },
  'scheduler.foresee': {
    /** A job that waits; or what one would ask for, and whose it would be. */
    body: Type.Object({
      job: maybe(uuid),
      spec: maybe(Spec),
      owner: text(64),
      wants: Type.Enum(['change', 'start']),
    }),
    reply: Type.Object({
      waits: Type.Boolean(),
      reasons,
      change: maybe(Remedy),
      start: maybe(Start),
      placement: maybe(Placement),
    }),
  },
} as const;
