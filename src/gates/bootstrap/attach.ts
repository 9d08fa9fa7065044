import type { MachineOrder } from '../../actors/ports.ts';
import { openPatiently, pause, pauseAfter } from '../../platform/ssh/patience.ts';
import type { Door, SshSession } from '../../platform/ssh/session.ts';
import { Failed } from '../../protocol/errors.ts';
import type { Archive } from './archive.ts';
import { bringProgram, look, type Machine, startWorker } from './machine.ts';

/** What a head brings to machines, and where it wants to be reached. */
export type Base = {
  /** The head's name. */
  readonly head: string;
  /** Where it listens for nodes, as seen from itself. */
  readonly mesh: () => Promise<Door>;
  readonly archive: () => Promise<Archive>;
};

type Told = (step: string) => void;

/** The port on the worker's loopback that leads to its head, if it is free. */
const TUNNEL_PORT = 10_002;
const WAITS = 'Waiting for ssh provisioning port';

/**
 * Makes a machine a worker, and keeps a way from it to this head open, again and again, until it is
 * given up. A worker that runs there already is left alone. Only what waiting will not change is
 * thrown: a host that is another one, that lets us not in, or on which no worker of ours can run.
 */
export async function keepAttached(
  base: Base,
  machine: Machine,
  order: MachineOrder,
  told: Told,
  signal: AbortSignal,
): Promise<never> {
  for (let failed = 0; ; failed++) {
    told(WAITS);
    const session = await openPatiently(machine.place, (why) => told(`${WAITS}: ${why}`), signal);
    const end = (): void => session.end();
    signal.addEventListener('abort', end);
    try {
      await bring(base, machine, order, session, told);
      failed = 0;
      await session.closed;
    } catch (error) {
      if (signal.aborted || !(error instanceof Failed && error.failure.retry)) throw error;
      told(`${WAITS}: trying again, since ${error.message}`);
    } finally {
      signal.removeEventListener('abort', end);
      session.end();
    }
    await pause(pauseAfter(failed), signal);
  }
}

async function bring(
  { head, mesh, archive }: Base,
  machine: Machine,
  order: MachineOrder,
  session: SshSession,
  told: Told,
): Promise<void> {
  const packed = await archive();
  const found = await look(session, machine, head, packed);
  if (!found.hasProgram) {
    told('Uploading the worker');
    await bringProgram(session, machine, order.node, packed, found.partBytes, (quarters) =>
      told(`Uploading the worker: ${25 * quarters} %`),
    );
  }
  told('Start secured tunnel');
  const port = await openTunnel(session, mesh, found.tunnelPort || TUNNEL_PORT);
  const tunnel = port === 0 ? '' : `127.0.0.1:${port}`;
  await startWorker(session, machine, order, { head, tunnel, archive: packed });
  told('Waiting for Sky Port port readiness');
}

/** The same port as before if it can be had; 0: the host opens none, so workers must dial us. */
async function openTunnel(
  session: SshSession,
  mesh: () => Promise<Door>,
  wanted: number,
): Promise<number> {
  for (const port of [wanted, 0]) {
    try {
      return await session.forward(port, mesh);
    } catch (error) {
      if (!(error instanceof Failed && error.failure.code === 'port_busy')) throw error;
    }
  }
  return 0;
}
