import { createHash } from 'node:crypto';
import { PassThrough } from 'node:stream';
import { setInterval } from 'node:timers';
import type { FastifyInstance } from 'fastify';
import { Failed } from '../../protocol/errors.ts';
import { text } from '../../protocol/model.ts';
import { isSeen } from '../seen.ts';
import type { FeedRow } from '../watch.ts';
import { fileSchema } from './operations.ts';
import type { Routes } from './rest.ts';

/** A line that says nothing, so that whoever is between does not cut what is silent. */
const BEAT_MS = 15_000;

/**
 * A job as it is now, and then each change of it, as events that browsers and others understand.
 * An event's id is the sum of what it says: on any head, and after any restart, a reader that has
 * the newest already is told nothing until it changes. A slow reader skips what was between.
 */
export function eventRoutes(app: FastifyInstance, routes: Routes): void {
  const { call, userOf, goneOf, setup } = routes;
  const params = { id: text(64) };
  const summary = 'Tells of each change of a job, as server-sent events.';
  const plain = { operationId: 'job.events', summary, tag: 'job', params };
  const schema = fileSchema(plain, 'text/event-stream', undefined, {
    204: { description: 'it has ended, as you know' },
  });
  app.get('/v1/jobs/:id/events', { schema }, async (request, reply) => {
    const asked = (request.params as { readonly id: string }).id;
    const { id } = (await call(userOf(request), 'job.show', { id: asked })).job;
    const known = request.headers['last-event-id'];
    const user = userOf(request);
    const sees = (job: FeedRow): boolean => isSeen(setup.logs.isAdmin, user, job);
    const events = jobEvents(setup.feed, id, typeof known === 'string' ? known : '', sees);
    // What has ended and is known to have: there is nothing to come back for.
    if (events === undefined) return reply.code(204).send();
    goneOf(request).addEventListener('abort', () => events.destroy());
    void reply.type('text/event-stream').header('cache-control', 'no-store');
    return reply.send(events);
  });
}

function jobEvents(
  feed: Routes['setup']['feed'],
  id: string,
  known: string,
  sees: (job: FeedRow) => boolean,
): PassThrough | undefined {
  const [first] = feed.snapshot('jobs', { id, owner: '' });
  if (first === undefined) throw new Failed('not_found', `no job ${id}`);
  let last = known;
  if (isOver(first) && eventOf(first).id === last) return undefined;
  const out = new PassThrough({ highWaterMark: 64 << 10 });
  let newest: FeedRow | undefined = first;
  const pump = (): void => {
    if (newest === undefined || out.writableNeedDrain || out.writableEnded) return;
    const row = newest;
    newest = undefined;
    const event = eventOf(row);
    if (event.id !== last) out.write(event.text);
    last = event.id;
    if (isOver(row)) out.end();
  };
  const hear = (change: FeedRow): void => {
    // Who is an admin no more hears no more.
    if (change.row !== null && !sees(change)) return void out.destroy();
    newest = change;
    pump();
  };
  const cancel = feed.subscribe('jobs', hear, id);
  const beat = setInterval(() => {
    if (!out.writableNeedDrain && !out.writableEnded) out.write(':\n\n');
  }, BEAT_MS);
  out.on('drain', pump);
  out.once('close', () => {
    clearInterval(beat);
    cancel();
  });
  out.write(':\n\n');
  pump();
  return out;
}

const isOver = ({ row }: FeedRow): boolean =>
  row === null || (row as { readonly phase?: string }).phase === 'ended';

function eventOf({ row }: FeedRow): { readonly id: string; readonly text: string } {
  const data = JSON.stringify(row);
  const id = createHash('sha256').update(data).digest('base64url').slice(0, 16);
  const event = row === null ? 'gone' : 'job';
  return { id, text: `id: ${id}\nevent: ${event}\ndata: ${data}\n\n` };
}
