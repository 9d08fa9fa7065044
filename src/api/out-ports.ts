import type { Duplex } from 'node:stream';
import { outTarget } from '../actors/job/out-target.ts';
import type { OutTarget } from '../actors/ways.ts';
import { isLoopback } from '../platform/addresses.ts';
import { connected, readPortOpen } from '../platform/job-port.ts';
import type { OutRules } from '../platform/out-rules.ts';
import { type OutWish, ownNetwork } from '../platform/outs.ts';
import { passOn, relay } from '../platform/relay.ts';
import type { Stream } from '../platform/stream.ts';
import type { Hub, StreamHandler } from '../platform/streams.ts';
import { Failed } from '../protocol/errors.ts';
import type { Who } from '../protocol/who.ts';
import { type AttemptSetup, attemptNamed, attemptOf, textOf } from './attempts.ts';

export type OutSetup = AttemptSetup & { readonly rules: OutRules };

/** A wish of a job, and the node that it runs on. */
type Asked = OutWish & { readonly node: string };
type Way = { readonly host: string; readonly port: number } | { readonly hub: Hub };

/**
 * Leads connections of jobs out, to where they were submitted from and nowhere else: streams of
 * kind `port.out`. A worker asks any head; that which the submitter spoke to may be another.
 */
export const serveOuts =
  (setup: OutSetup): StreamHandler =>
  async (request) => {
    const asked = askedOf(request.body, request.who);
    const way = await wayOf(setup, asked, request.who.door === 'head');
    if ('hub' in way) return passOn(request, way.hub.open('port.out', asked));
    const socket = await reached(way);
    request.accept();
    await relay(request.stream, socket);
  };

/** The same for a job that runs on this very head. */
export async function leadOut(setup: OutSetup, wish: OutWish): Promise<Duplex> {
  const asked = { ...wish, node: setup.name };
  const way = await wayOf(setup, asked, false);
  return 'hub' in way ? (way.hub.open('port.out', asked) satisfies Stream) : reached(way);
}

/** Whether what runs on this head, at that address, is already where it would be led to. */
export const isThere =
  ({ rules, name }: OutSetup, at: string) =>
  async ({ host, submitter, head }: OutTarget): Promise<boolean> => {
    const address = await rules.addressOf(host, submitter).catch(() => '');
    return address === at && (head === '' || head === name);
  };

async function wayOf(setup: OutSetup, asked: Asked, isPassedOn: boolean): Promise<Way> {
  const { port, at, network } = asked;
  const job = await attemptOf(setup, asked);
  if (!job.spec.ports.some((p) => p.port === port && p.direction === 'out'))
    throw new Failed('forbidden', `job ${job.id} has not asked for port ${port} out`);
  const { host, submitter, head } = outTarget(job.spec, job.from);
  const address = await setup.rules.addressOf(host, submitter);
  if (isLoopback(address) && head !== '' && head !== setup.name) {
    const hub = isPassedOn ? undefined : setup.hub(head);
    if (hub !== undefined) return { hub };
    throw new Failed('unreachable', `the job was submitted at ${head}, to which there is no link`);
  }
  if (address === at && network === ownNetwork())
    throw new Failed('refused', `port ${port} of ${address} would lead back to itself`);
  return { host: address, port };
}

const reached = (way: { readonly host: string; readonly port: number }) =>
  connected(way).catch((error: Error) => {
    throw new Failed('unreachable', `${way.host}:${way.port} cannot be reached: ${error.message}`);
  });

function askedOf(body: unknown, who: Who): Asked {
  const given = body as Readonly<Record<string, unknown>>;
  return {
    ...readPortOpen(body),
    ...attemptNamed(given, who),
    at: textOf(given, 'at'),
    network: textOf(given, 'network'),
  };
}
