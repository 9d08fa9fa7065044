import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Failed, Malformed } from '../../protocol/errors.ts';
import type { Body, Reply } from '../../protocol/messages.ts';
import type { JobRow } from '../../protocol/model.ts';
import type { Who } from '../../protocol/who.ts';
import { openLog } from '../logs.ts';
import { scriptOf } from './bodies.ts';
import { localInputs } from './local-inputs.ts';
import {
  olderFlavor,
  olderImage,
  olderJob,
  olderMetrics,
  olderNode,
  olderRemote,
} from './older-rows.ts';
import { olderSchemas } from './older-schemas.ts';
import type { OlderJob } from './older-shapes.ts';
import type { Routes } from './rest.ts';

/**
 * The routes of older installations, which existing programs call. Only the status 200 is success
 * to them; lists are bare arrays; what they are told of an action is text.
 */
export function olderRoutes(app: FastifyInstance, routes: Routes): void {
  app.get('/user', { schema: olderSchemas.version }, () => ({ api_version: 1 }));
  jobRoutes(app, routes);
  listRoutes(app, routes);
}

function jobRoutes(app: FastifyInstance, routes: Routes): void {
  const { call, userOf } = routes;
  app.get('/user/job', { schema: olderSchemas.jobs }, (request, reply) => {
    const rows = jobsOf(routes, userOf(request), limitOf(request));
    return reply.type('application/json; charset=utf-8').send(arrayOf(rows));
  });
  app.get('/user/job/:id', { schema: olderSchemas.job }, async (request): Promise<OlderJob> => {
    const user = userOf(request);
    const { job, asOf } = await call(user, 'job.show', { id: idOf(request) });
    const addresses = await addressesOf(routes, user, [job]);
    return { ...olderJob(job, asOf ?? Date.now(), addresses), script_content: job.script };
  });
  for (const stream of ['stdout', 'stderr'] as const)
    app.get(`/user/job/:id/${stream}`, { schema: olderSchemas[stream] }, async (request, reply) => {
      const wish = { id: idOf(request), stream, rank: 0, follow: false, offset: 0 };
      const bytes = await openLog(routes.setup.logs, wish, userOf(request));
      return reply.type('application/octet-stream').send(readable(bytes(routes.goneOf(request))));
    });
  app.get('/user/job/:id/metrics', { schema: olderSchemas.metrics }, async (request) => {
    const { job } = await call(userOf(request), 'job.show', { id: idOf(request) });
    return olderMetrics(job);
  });
  app.post('/user/job', { schema: olderSchemas.submit }, async (request, reply) => {
    const { path } = request.query as { readonly path?: unknown };
    if (path !== undefined)
      throw new Malformed('path', 'a script in the body: files of the head are read for nobody');
    const script = scriptOf(request.body, request.headers['content-type'] ?? '');
    const inputs = await localInputs(routes, request, script);
    const submit: Body<'job.submit'> = { script, inputs, from: addressOf(request) };
    const { id } = await call(userOf(request), 'job.submit', submit);
    return text(reply, id);
  });
  app.delete('/user/job/:id', { schema: olderSchemas.cancel }, async (request, reply) => {
    const asked = namedBy(request);
    const found = await wasFound(() => cancelled(routes, userOf(request), idOf(request)));
    return text(reply, told('Canceled', asked, found));
  });
  app.delete('/user/job', { schema: olderSchemas.purge }, async (request, reply) => {
    const ids = await purged(routes, userOf(request));
    return text(reply, `Purged ${ids.length} job(s): ${ids.join(', ')}`);
  });
  app.patch('/user/job/:id', { schema: olderSchemas.requeue }, async (request, reply) => {
    if (request.headers['modification'] !== 'requeue')
      throw new Malformed('modification', 'the header with the value `requeue`');
    const asked = namedBy(request);
    const requeue = () => call(userOf(request), 'job.requeue', { id: idOf(request) });
    return text(reply, told('Requeued', asked, await wasFound(requeue)));
  });
}

function listRoutes(app: FastifyInstance, routes: Routes): void {
  const { call, userOf } = routes;
  const remotesOf = async (user: Who) => (await call(user, 'remote.list', {})).remotes;
  const flavorsOf = async (user: Who) => {
    const [remotes, { flavors }] = await Promise.all([
      remotesOf(user),
      call(user, 'flavor.list', {}),
    ]);
    const names = new Set(remotes.map(({ name }) => name));
    return flavors.filter(({ remote }) => names.has(remote));
  };
  app.get('/user/flavor', { schema: olderSchemas.flavors }, async (request) =>
    (await flavorsOf(userOf(request))).slice(0, limitOf(request)).map(olderFlavor),
  );
  app.get('/user/image', { schema: olderSchemas.images }, async (request) => {
    const user = userOf(request);
    const [flavors, { images }] = await Promise.all([
      flavorsOf(user),
      call(user, 'image.list', {}),
    ]);
    // A client looks for a flavor of each image's site, and there may be none yet.
    const useful = new Set(flavors.map(({ remote }) => remote));
    const listed = images.filter(({ remote }) => useful.has(remote));
    return listed.slice(0, limitOf(request)).map(olderImage);
  });
  app.get('/user/node', { schema: olderSchemas.nodes }, async (request) => {
    const { nodes } = await call(userOf(request), 'node.list', {});
    const there = nodes.filter(({ phase }) => phase !== 'gone');
    return there.slice(0, limitOf(request)).map(olderNode);
  });
  app.get('/user/remote', { schema: olderSchemas.remotes }, async (request) =>
    (await remotesOf(userOf(request))).slice(0, limitOf(request)).map(olderRemote),
  );
}

const text = (reply: FastifyReply, said: string): FastifyReply =>
  reply.type('text/plain; charset=utf-8').send(said);

/** What clients read of an action: which jobs it was done to, and which there are not. */
const told = (done: string, id: string, isFound: boolean): string =>
  isFound ? `${done}: ${id}\nNot found: ` : `${done}: \nNot found: ${id}`;

async function wasFound(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (error instanceof Failed && error.failure.code === 'not_found') return false;
    throw error;
  }
}

const namedBy = ({ params }: FastifyRequest): string => (params as { readonly id: string }).id;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Whole ids only: what a program cuts short by mistake must hit no other job. */
function idOf(request: FastifyRequest): string {
  const id = namedBy(request).toLowerCase();
  if (!UUID.test(id)) throw new Failed('not_found', `no job ${id}`);
  return id;
}

function limitOf({ query }: FastifyRequest): number {
  const { limit } = query as { readonly limit?: unknown };
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  if (typeof limit !== 'string' || !/^\d{1,9}$/.test(limit))
    throw new Malformed('limit', 'a count');
  return Number(limit);
}

/** Where a request comes from: an address that reaches whoever submits. */
export const addressOf = ({ raw }: FastifyRequest): string =>
  (raw.socket.remoteAddress ?? '').replace(/^::ffff:/, '');

/** All pages of a user's jobs, as they come. */
async function* pagesOf(
  { call }: Routes,
  user: Who,
): AsyncGenerator<Reply<'job.list'>, void, undefined> {
  for (let after = ''; ; ) {
    const page = await call(user, 'job.list', after === '' ? {} : { after });
    yield page;
    if (page.next === '') return;
    after = page.next;
  }
}

async function* jobsOf(routes: Routes, user: Who, limit: number): AsyncGenerator<OlderJob> {
  let left = limit;
  for await (const { jobs, asOf } of pagesOf(routes, user)) {
    const addresses = await addressesOf(routes, user, jobs);
    for (const row of jobs) {
      if (left-- <= 0) return;
      yield olderJob(row, asOf ?? Date.now(), addresses);
    }
  }
}

/** The addresses of nodes, where any job needs to show those of its own. */
async function addressesOf(
  { addresses }: Routes,
  user: Who,
  jobs: readonly JobRow[],
): Promise<ReadonlyMap<string, string>> {
  const shows = ({ nodes, address }: JobRow): boolean => nodes.length > (address === '' ? 0 : 1);
  if (!jobs.some(shows)) return new Map();
  return addresses(user);
}

/** A JSON array, written as its items come: it may be longer than a node can hold. */
function arrayOf(items: AsyncIterable<object>): Readable {
  return readable(
    (async function* () {
      let begin = '[';
      for await (const item of items) {
        yield `${begin}${JSON.stringify(item)}`;
        begin = ',';
      }
      yield begin === '[' ? '[]' : ']';
    })(),
  );
}

const readable = (chunks: AsyncIterable<string | Uint8Array>): Readable =>
  Readable.from(chunks, { highWaterMark: 1 });

/** One that has ended is as cancelled as it can be. */
async function cancelled({ call }: Routes, user: Who, id: string): Promise<void> {
  try {
    await call(user, 'job.cancel', { id });
  } catch (error) {
    if (!(error instanceof Failed) || error.failure.code !== 'wrong_phase') throw error;
  }
}

/** How long a job that was cancelled before it had anything may take to end. */
const END_MS = 2_000;
const LOOK_MS = 20;
const PURGED_AT_ONCE = 64;

/** Forgets all of the user's own jobs that have ended or that only wait; gives their ids. */
async function purged(routes: Routes, user: Who): Promise<readonly string[]> {
  const ids: string[] = [];
  for await (const { jobs } of pagesOf(routes, user)) {
    const own = jobs.filter(
      ({ owner, phase }) => owner === user.id && (phase === 'ended' || phase === 'queued'),
    );
    for (let at = 0; at < own.length; at += PURGED_AT_ONCE) {
      const some = own.slice(at, at + PURGED_AT_ONCE);
      const done = await Promise.all(some.map((job) => isPurged(routes, user, job)));
      ids.push(...some.filter((_, i) => done[i]).map(({ id }) => id));
    }
  }
  return ids;
}

async function isPurged(routes: Routes, user: Who, { id, phase }: JobRow): Promise<boolean> {
  const { call } = routes;
  if (phase === 'queued') await wasFound(() => cancelled(routes, user, id));
  const late = Date.now() + END_MS;
  for (;;) {
    try {
      await call(user, 'job.purge', { id });
      return true;
    } catch (error) {
      const code = error instanceof Failed ? error.failure.code : 'bug';
      if (code === 'not_found' || (code === 'wrong_phase' && Date.now() > late)) return false;
      if (code !== 'wrong_phase') throw error;
    }
    await sleep(LOOK_MS);
  }
}
