import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import { Failed, Malformed } from '../../protocol/errors.ts';
import { files, type JobView, text } from '../../protocol/model.ts';
import { openLog } from '../logs.ts';
import { sendFile } from './files.ts';
import { filePart, fileSchema, jsonSchema } from './operations.ts';
import type { Routes } from './rest.ts';

const id = { id: text(64) };
const Outputs = Type.Object({ outputs: files, missing: Type.Array(Type.String()) });
const logQuery = {
  follow: Type.Optional(Type.Boolean({ description: 'Waits for what the job has yet to write.' })),
  offset: Type.Optional(Type.Integer({ minimum: 0, description: 'Bytes to leave out.' })),
  rank: Type.Optional(Type.Integer({ minimum: 0, description: 'Of which of its processes.' })),
};

/** What a job wrote: its logs, also while it runs, and the files that were brought back. */
export function jobFileRoutes(app: FastifyInstance, routes: Routes): void {
  const { call, userOf, setup } = routes;
  const jobOf = async (request: FastifyRequest): Promise<JobView> => {
    const { id: asked } = request.params as { readonly id: string };
    return (await call(userOf(request), 'job.show', { id: asked })).job;
  };
  const filesOf = async (request: FastifyRequest): Promise<JobView> => {
    const job = await jobOf(request);
    const { door, id: user } = userOf(request);
    if (door === 'operator' || user === job.owner) return job;
    throw new Failed('forbidden', `the files of job ${job.id} belong to somebody else`);
  };
  for (const stream of ['stdout', 'stderr'] as const) {
    const summary = `Gives what the job wrote to ${stream}.`;
    const plain = {
      operationId: `job.${stream}`,
      summary,
      tag: 'job',
      params: id,
      query: logQuery,
    };
    const schema = fileSchema(plain, undefined, undefined, filePart);
    app.get(`/v1/jobs/:id/${stream}`, { schema }, async (request, reply) => {
      const { offset, rank, follow } = wishOf(request.query as Query);
      const job = await jobOf(request);
      const kept = job[stream];
      if (kept !== null && rank === 0 && offset === 0)
        return sendFile(request, reply, setup.blobs(userOf(request)), kept);
      const wish = { id: job.id, stream, rank, follow, offset };
      const bytes = await openLog(setup.logs, wish, userOf(request));
      return sendLog(reply, bytes(routes.goneOf(request)));
    });
  }
  const list = { operationId: 'job.outputs', summary: 'Lists its output files.', tag: 'job' };
  app.get(
    '/v1/jobs/:id/outputs',
    { schema: jsonSchema({ ...list, params: id }, Outputs) },
    async (request) => {
      const { outputs, missing } = await filesOf(request);
      return { outputs, missing };
    },
  );
  const params = { ...id, '*': Type.String() };
  const get = { operationId: 'job.output', summary: 'Gives an output file.', tag: 'job', params };
  app.get(
    '/v1/jobs/:id/outputs/*',
    { schema: fileSchema(get, undefined, undefined, filePart) },
    async (request, reply) => {
      const path = (request.params as { readonly '*': string })['*'];
      const { outputs } = await filesOf(request);
      const file = outputs.find((one) => one.path === path);
      if (file === undefined) throw new Failed('not_found', `the job has no output file ${path}`);
      const sent = { sha256: file.sha256, name: file.path };
      return sendFile(request, reply, setup.blobs(userOf(request)), sent);
    },
  );
}

type Query = Readonly<Record<string, unknown>>;

function wishOf({ follow = 'false', ...query }: Query) {
  const count = (name: 'offset' | 'rank'): number => {
    const value = query[name] ?? '0';
    if (typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
    throw new Malformed(`$.${name}`, 'a count');
  };
  const truths: readonly unknown[] = ['true', '1', 'false', '0'];
  if (!truths.includes(follow)) throw new Malformed('$.follow', 'true or false');
  const isFollowed = follow === 'true' || follow === '1';
  return { offset: count('offset'), rank: count('rank'), follow: isFollowed };
}

/** Headers go out before the first byte: who waits for what is not written yet knows it. */
function sendLog(reply: FastifyReply, bytes: AsyncIterable<Uint8Array>): FastifyReply {
  void reply.type('application/octet-stream').header('x-content-type-options', 'nosniff');
  void reply.header('cache-control', 'no-store');
  const sent = reply.send(Readable.from(bytes, { highWaterMark: 1 }));
  reply.raw.flushHeaders();
  return sent;
}
