import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failed, Malformed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { errno } from './disk.ts';
import { relay, relayed } from './relay.ts';
import type { Hub } from './streams.ts';

/** Where a job of this node listens for one of its `in` ports; undefined if it has no such port. */
export type ResolvePort = (
  job: string,
  port: number,
) => { readonly host: string; readonly port: number } | undefined;

/** Lets a head reach the ports of this node's jobs: streams of kind `port.open {job, port}`. */
export function serveForwards(
  hub: Hub,
  resolve: ResolvePort,
  listenMs: number = limits.forwardListenMs,
): void {
  hub.serve('port.open', async ({ body, stream, accept }) => {
    const { job, port } = readPortOpen(body);
    const socket = await connectJob(resolve, job, port, () => stream.destroyed, listenMs);
    accept();
    await relay(stream, socket);
  });
}

/** Connects to a job's port, which may not be listened on yet: then it tries for a while. */
export async function connectJob(
  resolve: ResolvePort,
  job: string,
  port: number,
  isOver: () => boolean,
  listenMs: number = limits.forwardListenMs,
): Promise<Socket> {
  const deadline = performance.now() + listenMs;
  for (;;) {
    const target = resolve(job, port);
    if (!target) throw new Failed('not_found', `the job ${job} has no port ${port} on this node`);
    try {
      return await connected(target);
    } catch (error) {
      const why = errno(error);
      const late = performance.now() > deadline || isOver();
      if (why !== 'ECONNREFUSED' || late)
        throw new Failed(
          'unreachable',
          why === 'ECONNREFUSED'
            ? `nothing listens at ${target.host}:${target.port} for port ${port} of the job`
            : `${target.host}:${target.port} cannot be reached: ${why}`,
        );
    }
    await sleep(100);
  }
}

/** Rejects with the system's error. */
export function connected(target: {
  readonly host: string;
  readonly port: number;
}): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ ...target, ...relayed, noDelay: true });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}

/** What both kinds of ports are asked for by. */
export function readPortOpen(body: unknown): { readonly job: string; readonly port: number } {
  const { job, port } = body as { readonly job?: unknown; readonly port?: unknown };
  if (typeof job !== 'string' || job.length > limits.pathCharsMax)
    throw new Malformed('$.job', 'the id of a job');
  if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Malformed('$.port', 'a port number');
  return { job, port };
}
