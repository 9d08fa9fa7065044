import type { Spec } from '../../protocol/model.ts';
import type { Millis } from '../../runtime/ports.ts';
import { type Passed, passOver } from './fit.ts';
import { free } from './free.ts';
import { withCluster } from './heard.ts';
import { without } from './holds.ts';
import { type InLine, keyed, queued } from './lines.ts';
import type { Free } from './pass.ts';
import { caughtUp } from './passing.ts';
import type { Scheduler } from './scheduler.ts';
import { put, taken } from './shelf.ts';

/** A job that waits, or would, and the picture in which it does. */
export type Question = {
  /** All that was heard is taken in. */
  readonly state: Scheduler;
  readonly job: InLine;
  readonly now: Millis;
};

/** The id of a job that nobody has submitted. */
const NOBODY = '00000000-0000-0000-0000-000000000000';

/** What is asked about a job; undefined: it does not wait, or has its place already. */
export function questionOf(before: Scheduler, id: string, now: Millis): Question | undefined {
  const state = caughtUp(before, now);
  const job = state.proposed.has(id) ? undefined : taken(state.waiting, id);
  return job && { state, job, now };
}

/** The same about a job as if it had been submitted now. */
export function supposed(before: Scheduler, spec: Spec, owner: string, now: Millis): Question {
  const state = caughtUp(before, now);
  const asked = { id: NOBODY, attempt: 1, submittedAt: now, notBefore: 0, spec, owner };
  const job = keyed(state.policy)(asked);
  const waiting = put(state.waiting, new Map([[NOBODY, job]]));
  return { state: { ...state, waiting, lines: queued(state.lines, [job]) }, job, now };
}

/** What else is otherwise than in the picture. */
export type Otherwise = {
  /** The job asks for something else. */
  readonly spec?: Spec;
  /** A job that waits is held. */
  readonly held?: string;
  /** One that runs has gone. */
  readonly gone?: string;
};

/** The next pass as it would be if something were otherwise: by the same code. */
export function passIf({ state, job, now }: Question, otherwise: Otherwise = {}): Passed {
  const { spec, held, gone } = otherwise;
  const changed = spec === undefined ? job : keyed(state.policy)({ ...job, spec });
  const waits = (each: InLine): boolean =>
    each.id === job.id
      ? each === changed
      : each.id !== held && taken(state.waiting, each.id) === each && !state.proposed.has(each.id);
  const lines = changed === job ? state.lines : queued(state.lines, [changed]);
  return passOver(
    lines,
    waits,
    gone === undefined ? free(state) : freeWithout(state, gone, now),
    now,
  );
}

/** What it has used counts as used from then on. */
function freeWithout(state: Scheduler, job: string, now: Millis): Free {
  const left = [...state.clusters.values()].filter(({ holds = [] }) =>
    holds.some((hold) => hold.job === job),
  );
  return free(left.reduce((next, news) => withCluster(next, without(news, job), now), state));
}

/** Whether the next pass would give it a place. */
export const wouldStart = (question: Question, otherwise?: Otherwise): boolean =>
  passIf(question, otherwise).proposals.some(({ id }) => id === question.job.id);
