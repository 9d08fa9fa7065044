import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Malformed } from '../../protocol/errors.ts';
import type { Body, Name } from '../../protocol/messages.ts';
import { restRoutes } from '../../protocol/rest-routes.ts';
import { shapes } from '../../protocol/shapes.ts';
import { bodyChecks } from '../../protocol/wire/body-checks.ts';
import { scriptOf } from './bodies.ts';
import { localInputs } from './local-inputs.ts';
import { addressOf } from './older.ts';
import { schemaOf, submitSchema } from './operations.ts';
import type { Routes } from './rest.ts';

type Calls = keyof typeof restRoutes;
type Fields = Readonly<Record<string, unknown>>;

/** A route for each call of the table that has one, and their answers as terminals know them. */
export function v1Routes(app: FastifyInstance, routes: Routes): void {
  for (const name of Object.keys(restRoutes) as Calls[]) {
    if (name === 'job.submit') continue;
    const { method, url } = placeOf(name);
    app.route({
      method,
      url,
      schema: schemaOf(name, restRoutes[name]),
      handler: async (request, reply) => {
        const body = bodyOf(name, method, request) as never;
        const answer = await routes.call(routes.userOf(request), name, body);
        return method === 'GET' ? current(request, reply, answer) : answer;
      },
    });
  }
  app.post('/v1/jobs', { schema: submitSchema }, async (request, reply) => {
    const asked = bodyChecks.body('job.submit', submitOf(request)) as Body<'job.submit'>;
    const isBare = asked.inputs.length === 0 && asked.scriptBlob === undefined;
    const inputs = isBare ? await localInputs(routes, request, asked.script) : asked.inputs;
    const submit = { ...asked, inputs };
    const { id } = await routes.call(routes.userOf(request), 'job.submit', submit);
    return reply.code(201).header('location', `/v1/jobs/${id}`).send({ id });
  });
}

function placeOf(name: Calls): {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly url: string;
} {
  const [method = '', path = ''] = restRoutes[name].split(' ');
  return { method: method as 'GET', url: path.replaceAll(/\{(\w+)\}/g, ':$1') };
}

/** The body of a call: what stands in the path wins over all else. */
function bodyOf(name: Name, method: string, request: FastifyRequest): object {
  const given = method === 'POST' ? jsonOf(request.body) : queryOf(name, request.query as Fields);
  const known = propertiesOf(name);
  const odd = Object.keys(given).find((field) => !Object.hasOwn(known, field));
  if (odd !== undefined) throw new Malformed(`$.${odd}`, 'nothing here has that name');
  return { ...given, ...(request.params as Fields) };
}

const propertiesOf = (name: Name): Readonly<Record<string, { readonly type?: string }>> =>
  (shapes[name].body as { readonly properties?: Fields }).properties as never;

/** A query is text; numbers and truths are read as what their shapes want. */
function queryOf(name: Name, query: Fields): Fields {
  const known = propertiesOf(name);
  const read = (field: string, value: unknown): unknown => {
    const type = Object.hasOwn(known, field) ? known[field]?.type : undefined;
    if (type === 'boolean') return value === 'true' ? true : value === 'false' ? false : value;
    const isNumber = type === 'integer' && typeof value === 'string' && /^-?\d+$/.test(value);
    return isNumber ? Number(value) : value;
  };
  return Object.fromEntries(
    Object.entries(query).map(([field, value]) => [field, read(field, value)]),
  );
}

function jsonOf(body: unknown): Fields {
  if (!Buffer.isBuffer(body) || body.length === 0) return {};
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw new Malformed('$', 'JSON');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new Malformed('$', 'an object');
}

/** A submission as JSON that says all of it, or a script as it stands or in a form. */
function submitOf(request: FastifyRequest): Body<'job.submit'> {
  const type = request.headers['content-type'] ?? '';
  const isJson = /^application\/json\b/i.test(type);
  const given = isJson
    ? { script: '', inputs: [], ...bodyOf('job.submit', 'POST', request) }
    : {
        script: scriptOf(request.body, type),
        inputs: [],
        ...queryOf('job.submit', request.query as Fields),
      };
  const key = request.headers['idempotency-key'];
  return {
    from: addressOf(request),
    ...(given as Body<'job.submit'>),
    ...(typeof key === 'string' && { key }),
  };
}

/** Says as which version an answer is; who has that one already is not sent it again. */
function current(request: FastifyRequest, reply: FastifyReply, answer: object): FastifyReply {
  const { asOf: _, ...rest } = answer as Fields;
  const sum = createHash('sha256').update(JSON.stringify(rest)).digest('base64url');
  const tag = `W/"${sum.slice(0, 27)}"`;
  void reply.header('etag', tag).header('cache-control', 'private, no-cache');
  if (isKnown(request.headers['if-none-match'], tag)) return reply.code(304).send();
  const { next } = rest;
  if (typeof next === 'string' && next !== '') {
    const at = new URL(request.url, 'https://head');
    at.searchParams.set('after', next);
    void reply.header('link', `<${at.pathname}${at.search}>; rel="next"`);
  }
  return reply.send(answer);
}

const isKnown = (header: string | undefined, tag: string): boolean =>
  (header?.split(',') ?? []).some((one) => one.trim() === tag || one.trim() === '*');
