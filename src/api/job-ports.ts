import { nodeOf } from '../actors/job/orders.ts';
import { streamTo } from '../platform/forwards.ts';
import { connectJob, type ResolvePort, readPortOpen } from '../platform/job-port.ts';
import { passOn, relay } from '../platform/relay.ts';
import type { StreamHandler } from '../platform/streams.ts';
import { Failed } from '../protocol/errors.ts';
import type { AttemptSetup } from './attempts.ts';
import { jobOf } from './job-of.ts';

export type JobPortSetup = AttemptSetup & {
  /** The ports of jobs that run on this very head. */
  readonly here: ResolvePort | undefined;
};

/**
 * Leads a terminal to an `in` port of a job that is its user's: a stream of kind `job.port`. It
 * ends with the terminal's connection, since nobody could tell a job that its peer has moved.
 */
export const serveJobPorts =
  (setup: JobPortSetup): StreamHandler =>
  async (request) => {
    const { stream, body, who, accept } = request;
    const { job: id, port } = readPortOpen(body);
    await setup.current();
    const job = jobOf(setup.store, id, who);
    if (!job.spec.ports.some((p) => p.port === port && p.direction === 'in'))
      throw new Failed('not_found', `job ${id} has not asked for port ${port}`);
    if (job.phase !== 'running')
      throw new Failed('wrong_phase', `job ${id} is ${job.phase}: only one that runs has ports`);
    const node = nodeOf(job, 0);
    const isOver = (): boolean => stream.destroyed;
    if (node === setup.name && setup.here !== undefined) {
      const socket = await connectJob(setup.here, id, port, isOver);
      accept();
      return relay(stream, socket);
    }
    const to = { hubOf: setup.hub, node, isOver };
    await passOn(request, await streamTo(to, 'port.open', { job: id, port }));
  };
