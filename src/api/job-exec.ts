import { isOver } from '../actors/job/job.ts';
import { nodeOf } from '../actors/job/orders.ts';
import { streamTo } from '../platform/forwards.ts';
import type { Enter } from '../platform/process/exec.ts';
import { passOn } from '../platform/relay.ts';
import type { StreamHandler } from '../platform/streams.ts';
import { Failed } from '../protocol/errors.ts';
import { readExecWish } from '../protocol/exec-wish.ts';
import type { Note } from '../runtime/ports.ts';
import { type AttemptSetup, countOf } from './attempts.ts';
import { jobOf } from './job-of.ts';

export type ExecSetup = AttemptSetup & {
  /** Runs commands inside the jobs of this very head, if it runs any. */
  readonly here: Enter | undefined;
  readonly note: Note;
};

/**
 * Runs a command of a terminal inside a job that is its user's: a stream of kind `job.exec`, with
 * the frames of protocol/exec-frame.ts. To the node of that rank goes `exec.open`.
 */
export const serveExec =
  (setup: ExecSetup): StreamHandler =>
  async (request) => {
    const { stream, body, who, accept } = request;
    const wish = readExecWish(body);
    await setup.current();
    const job = jobOf(setup.store, wish.job, who);
    const { id, phase, attempt } = job;
    if (phase !== 'running' || isOver(job, wish.rank))
      throw new Failed('wrong_phase', `job ${id} is ${phase}: only one that runs can be entered`);
    const node = nodeOf(job, wish.rank);
    if (node === '') throw new Failed('not_found', `job ${id} has no rank ${wish.rank}`);
    // What it runs may hold a secret.
    setup.note('info', '/exec', 'a job is entered', { job: id, rank: wish.rank, by: who.id });
    if (node === setup.name && setup.here !== undefined)
      return setup.here({ ...wish, attempt }, stream, accept);
    const to = { hubOf: setup.hub, node, isOver: () => stream.destroyed };
    await passOn(request, await streamTo(to, 'exec.open', { ...wish, attempt }));
  };

/** A worker's side: only heads may ask, and they have looked at who wants it. */
export const serveEnter =
  (enter: Enter): StreamHandler =>
  ({ body, stream, accept }) =>
    enter(
      {
        ...readExecWish(body),
        attempt: countOf(body as Readonly<Record<string, unknown>>, 'attempt'),
      },
      stream,
      accept,
    );
