import type { IncomingMessage, ServerResponse } from 'node:http';
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import { METRICS_TYPE } from '../../platform/metrics-port.ts';
import type { LocalDisk } from '../../platform/process/local-disk.ts';
import type { BlobStore } from '../../platform/transfer.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Who } from '../../protocol/who.ts';
import type { Node } from '../../runtime/node.ts';
import type { Audited } from '../audited.ts';
import type { LogSetup } from '../log-bytes.ts';
import type { Feed } from '../watch.ts';
import { blobRoutes } from './blobs.ts';
import { type Bodies, bodiesOf, type Hold } from './bodies.ts';
import { type Call, callsOf } from './calls.ts';
import { describe } from './described.ts';
import { eventRoutes } from './events.ts';
import { jobFileRoutes } from './job-files.ts';
import { jobMetricRoutes } from './job-metrics.ts';
import { type NodeAddresses, nodeAddresses } from './node-addresses.ts';
import { olderRoutes } from './older.ts';
import { OlderError } from './older-shapes.ts';
import { fileSchema } from './operations.ts';
import { olderRefusal, problem, whyOf } from './problem.ts';
import { v1Routes } from './v1.ts';

export type RestSetup = {
  readonly node: Node;
  readonly version: string;
  readonly logs: LogSetup;
  readonly feed: Feed;
  /** The files that somebody may bring and get. */
  readonly blobs: (who: Who) => BlobStore;
  readonly metrics: () => Promise<string>;
  /** Notes what requests change; nothing is noted without. */
  readonly audited?: Audited;
  /** This machine's disk as a user may read it; undefined for those who have no account here. */
  readonly localDisk?:
    | ((user: string, signal: AbortSignal) => Promise<LocalDisk | undefined>)
    | undefined;
  /** For tests. */
  readonly stalledMs?: number;
};

/** Answers a request of a user whom the door has let in. */
export type Rest = (request: IncomingMessage, response: ServerResponse, user: Who) => void;

/** What a request is, besides what it says: who asks, until when, and what is held for it. */
type Visit = {
  readonly user: Who;
  readonly hold: Hold;
  /** Made for those who ask for it, which few do. */
  gone?: AbortController;
  isOver: boolean;
};

/** What the routes have to work with. */
export type Routes = {
  readonly setup: RestSetup;
  readonly call: Call;
  readonly addresses: NodeAddresses;
  readonly bodies: Bodies;
  userOf(request: FastifyRequest): Who;
  /** Aborted when nobody waits for the answer any more. */
  goneOf(request: FastifyRequest): AbortSignal;
};

/** Opens the routes of all requests that are no WebSockets. */
export async function openRest(setup: RestSetup): Promise<Rest> {
  const visits = new WeakMap<IncomingMessage, Visit>();
  const visitOf = ({ raw }: FastifyRequest): Visit => visits.get(raw) as Visit;
  const bodies = bodiesOf();
  const call = callsOf(setup.node, setup.audited);
  const routes: Routes = {
    setup,
    bodies,
    call,
    addresses: nodeAddresses(call, setup.feed),
    userOf: (request) => visitOf(request).user,
    goneOf: (request) => goneOf(visitOf(request)),
  };
  const app = appOf(setup);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (request: FastifyRequest, payload: IncomingMessage) =>
    bodies.read(payload, Number(request.headers['content-length'] ?? 0), visitOf(request).hold),
  );
  await describe(app, setup.version);
  olderRoutes(app, routes);
  v1Routes(app, routes);
  jobFileRoutes(app, routes);
  jobMetricRoutes(app, routes);
  eventRoutes(app, routes);
  blobRoutes(app, routes);
  app.get('/metrics', { schema: metricsSchema }, async (request, reply) => {
    if (routes.userOf(request).door !== 'operator')
      throw new Failed('forbidden', 'metrics are for operators');
    return reply.type(METRICS_TYPE).send(await setup.metrics());
  });
  await app.ready();
  return (request, response, user) => {
    const visit: Visit = { user, hold: { bytes: 0 }, isOver: false };
    visits.set(request, visit);
    response.once('close', () => {
      bodies.release(visit.hold);
      visit.isOver = true;
      visit.gone?.abort();
    });
    // Who follows may hear nothing for hours; who does not read what is there is not waited for.
    response.setTimeout(setup.stalledMs ?? limits.stalledMs, () => {
      if (response.writableNeedDrain) request.socket.destroy();
    });
    app.routing(request, response);
  };
}

function goneOf(visit: Visit): AbortSignal {
  if (visit.isOver) return AbortSignal.abort();
  visit.gone ??= new AbortController();
  return visit.gone.signal;
}

function appOf({ node }: RestSetup): FastifyInstance {
  const refuse = (request: FastifyRequest, reply: FastifyReply, error: unknown): void => {
    const why = whyOf(error);
    if (why.code === 'bug') {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      node.platform.note('error', '/rest', 'a request met a bug', { url: request.url, text });
    }
    const { status, type, body } = refusalOf(request)(why);
    void reply.code(status).type(type).send(JSON.stringify(body));
  };
  const app = fastify({
    routerOptions: { ignoreTrailingSlash: true, maxParamLength: 4096 },
    frameworkErrors: (error, request, reply) =>
      refuse(request as FastifyRequest, reply as FastifyReply, error),
  });
  // Shapes are checked where those of messages are, with the words that terminals know.
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => (value) => JSON.stringify(value));
  app.setErrorHandler((error, request, reply) => refuse(request, reply, error));
  app.setNotFoundHandler((request, reply) => {
    if (refusalOf(request) === olderRefusal) return reply.code(404).send({ error: 'not found' });
    const { method, url } = request;
    throw new Failed('not_found', `there is no ${method} ${url}`);
  });
  return app;
}

const metricsSchema = fileSchema(
  { operationId: 'metrics', summary: 'Tells how the head is, for Prometheus.', tag: 'node' },
  'text/plain',
  OlderError,
);

/** Existing clients know none of our own routes, and are told of failures in their own way. */
const refusalOf = ({ url }: FastifyRequest): typeof problem =>
  url.startsWith('/v1/') ? problem : olderRefusal;
