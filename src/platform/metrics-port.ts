import { createServer } from 'node:http';
import { isIP } from 'node:net';
import { Failed, Malformed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { pathOf, respond } from './refusal.ts';

/** A door on this machine alone, for programs that gather metrics and have no certificate. */
export type MetricsPort = { close(): Promise<void> };

/** Opens it. Throws `Failed`, and `Malformed` for an address that others reach. */
export async function listenMetrics(
  { host, port }: { readonly host: string; readonly port: number },
  metrics: () => Promise<string>,
): Promise<MetricsPort> {
  const isLoopback =
    host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (!isLoopback)
    throw new Malformed('$.metrics.host', 'a loopback address: it asks for no certificate');
  const server = createServer((request, response) => {
    if (request.method !== 'GET' || pathOf(request) !== '/metrics')
      return respond(response, 404, { error: 'not_found' });
    metrics().then(
      (text) => response.writeHead(200, { 'content-type': METRICS_TYPE }).end(text),
      () => respond(response, 503, { error: 'unreachable' }),
    );
  });
  server.maxConnections = limits.metricsConnectionsMax;
  server.headersTimeout = limits.handshakeMsMax;
  server.requestTimeout = limits.handshakeMsMax;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: Error) =>
      reject(new Failed('refused', `metrics: cannot listen on ${host}:${port}: ${error.message}`)),
    );
    server.listen(port, host, resolve);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What the text form of metrics is called. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
