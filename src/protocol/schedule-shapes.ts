import Type, { type Static } from 'typebox';
import { limits } from './limits.ts';
import { BlobRef, files, instant, list, name, Spec, text, uuid } from './model.ts';

const nothing = Type.Object({});
/** When, and in which time zone. */
const times = { cron: text(200), zone: text(100) };
const policies = {
  /** Of times that pass while nothing could run: the first of them is run for, or none. */
  missed: Type.Enum(['run', 'skip']),
  /** While the job before has not ended: beside it, not at all, or behind it. */
  overlap: Type.Enum(['allow', 'skip', 'queue']),
};

/** What each job of a schedule is made of. */
const Made = Type.Object({
  spec: Spec,
  script: text(limits.scriptInlineBytesMax),
  scriptBlob: Type.Union([Type.Null(), BlobRef]),
  inputs: files,
  digest: text(64),
  from: text(256),
});

export const ScheduleRow = Type.Object({
  name,
  owner: text(64),
  ...times,
  ...policies,
  paused: Type.Boolean(),
  /** 0: it is paused, or its time never comes again. */
  nextAt: instant,
  lastAt: instant,
  /** The id of the last job, or ''. */
  lastJob: text(64),
  /** Why it made none at its last time, or ''. */
  trouble: text(4096),
});
export type ScheduleRow = Static<typeof ScheduleRow>;

/** What is said of schedules; merged into the shapes of all messages. */
export const scheduleShapes = {
  'schedule.add': {
    body: Type.Object({
      name,
      ...times,
      missed: Type.Optional(policies.missed),
      overlap: Type.Optional(policies.overlap),
      script: text(limits.scriptBytesMax),
      scriptBlob: Type.Optional(BlobRef),
      file: Type.Optional(text(4096)),
      inputs: files,
    }),
    reply: Type.Object({ name, nextAt: instant }),
  },
  'schedule.list': { body: nothing, reply: Type.Object({ schedules: list(ScheduleRow, 100_000) }) },
  'schedule.set': {
    body: Type.Object({
      name,
      to: Type.Enum(['paused', 'on', 'removed']),
      /** Whose it is; only operators may name others. */
      owner: Type.Optional(text(64)),
    }),
    reply: Type.Object({ name }),
  },
  'schedule.keep': {
    body: Type.Object({
      schedule: uuid,
      owner: text(64),
      name,
      ...times,
      ...policies,
      nextAt: instant,
      made: Made,
    }),
    reply: Type.Object({ name, nextAt: instant }),
  },
  'schedule.turn': {
    body: Type.Object({
      schedule: uuid,
      to: Type.Enum(['paused', 'on', 'removed']),
      /** Its next time from now on, if it is on. */
      nextAt: instant,
    }),
    reply: Type.Object({ name }),
  },
} as const;
