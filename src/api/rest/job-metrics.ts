import type { FastifyInstance } from 'fastify';
import Type from 'typebox';
import { limits } from '../../protocol/limits.ts';
import { list, text, uuid } from '../../protocol/model.ts';
import { UsedByRank } from '../../protocol/used.ts';
import { jsonSchema } from './operations.ts';
import type { Routes } from './rest.ts';

const JobMetrics = Type.Object({
  id: uuid,
  run: Type.Integer(),
  attempt: Type.Integer(),
  /** Of those of its processes that were looked at. */
  ranks: list(UsedByRank, limits.nodesMax),
});

/** What a job's attempt uses, or has used. */
export function jobMetricRoutes(app: FastifyInstance, { call, userOf }: Routes): void {
  const summary = 'Tells what its attempt uses, on each node.';
  const plain = { operationId: 'job.metrics', summary, tag: 'job', params: { id: text(64) } };
  app.get('/v1/jobs/:id/metrics', { schema: jsonSchema(plain, JobMetrics) }, async (request) => {
    const { id: asked } = request.params as { readonly id: string };
    const { job } = await call(userOf(request), 'job.show', { id: asked });
    const { id, run, attempt, used: ranks = [] } = job;
    return { id, run, attempt, ranks };
  });
}
