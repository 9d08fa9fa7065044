import type { Duplex } from 'node:stream';
import { nodeOf } from '../actors/job/orders.ts';
import { passOn, relay } from '../platform/relay.ts';
import type { Stream } from '../platform/stream.ts';
import type { StreamHandler } from '../platform/streams.ts';
import type { TaskWish } from '../platform/task/sockets.ts';
import { Failed } from '../protocol/errors.ts';
import type { Who } from '../protocol/who.ts';
import { type AttemptSetup, attemptNamed, attemptOf } from './attempts.ts';

export type TaskSetup = AttemptSetup & {
  /** What runs tasks on this very head, which may be a worker too. */
  readonly here: (wish: TaskWish) => Promise<Duplex>;
};

/**
 * Joins the main process of a job with what runs tasks on its other nodes: to a head comes
 * `task.open`, with the rank that is wanted; to the node of that rank goes `task.join`.
 */
export const serveTasks =
  (setup: TaskSetup): StreamHandler =>
  async (request) => {
    const wish = wishOf(request.body, request.who);
    const next = await leadTask(setup, wish, wish.node);
    if ('accepted' in next) return passOn(request, next as Stream);
    request.accept();
    await relay(request.stream, next);
  };

/** The same for a job whose main process is on `node`, this head's own for instance. */
export async function leadTask(
  setup: TaskSetup,
  { job: id, attempt, rank }: TaskWish,
  node: string,
): Promise<Duplex> {
  const job = await attemptOf(setup, { job: id, attempt, rank: 0, node });
  const to = nodeOf(job, rank);
  if (job.spec.ranks !== 'main' || rank === 0 || to === '')
    throw new Failed('forbidden', `job ${id} runs no tasks at rank ${rank}`);
  const wish = { job: id, attempt, rank };
  if (to === setup.name) return setup.here(wish);
  const hub = setup.hub(to);
  if (hub === undefined) throw new Failed('unreachable', `there is no link to node ${to}`);
  return hub.open('task.join', wish);
}

/** A worker's side: only heads may ask, and they have looked at who wants it. */
export const joinTasks =
  (agentOf: (wish: TaskWish) => Promise<Duplex>): StreamHandler =>
  async ({ body, who, stream, accept }) => {
    const { job, attempt, rank } = wishOf(body, who);
    const socket = await agentOf({ job, attempt, rank });
    accept();
    await relay(stream, socket);
  };

/** `rank` is the one that is wanted; the one that wants is always the main one. */
const wishOf = (body: unknown, who: Who) => attemptNamed({ node: '', ...(body as object) }, who);
