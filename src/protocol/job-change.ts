import Type, { type Static } from 'typebox';
import { limits } from './limits.ts';
import { instant, JobRow, list, text, uuid } from './model.ts';

const { name, state, phase, details, exitcode, signal, attempt, run } = JobRow.properties;
const { submittedAt, startedAt, endedAt } = JobRow.properties;
/** Counts the changes of a job, from 1 and over all its runs. */
const seq = Type.Integer({ minimum: 0 });

/** How a job showed itself from a moment on, for whoever `notify` names. */
const JobChange = Type.Object({
  ...{ seq, at: instant, name, state, phase, details, exitcode, signal, attempt, run },
  ...{ submittedAt, startedAt, endedAt },
});
export type JobChange = Static<typeof JobChange>;

/** What is said to heralds; merged into the shapes of all messages. */
export const heraldShapes = {
  'herald.tell': {
    body: Type.Object({
      job: uuid,
      url: text(4096),
      changes: list(JobChange, limits.heraldChangesMax),
    }),
    /** Up to which it has them. */
    reply: Type.Object({ seq }),
  },
  'herald.forget': { body: Type.Object({ job: uuid, before: instant }), reply: Type.Object({}) },
} as const;
