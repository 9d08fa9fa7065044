import { readFileSync, readlinkSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AttemptKey } from '../actors/ports.ts';
import type { OutOrder, Outs, OutTarget } from '../actors/ways.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { isLoopback } from './addresses.ts';
import { BindFailed, type OpenPort, openPort, shut } from './open-port.ts';
import { userOf } from './port-owner.ts';
import { relay } from './relay.ts';
import type { Stream } from './stream.ts';

/** What a head is asked by, to lead a connection of a job out: a stream of kind `port.out`. */
export type OutWish = {
  readonly job: string;
  readonly attempt: number;
  readonly rank: number;
  readonly port: number;
  /** Where the job has connected to: what leads back there from the same network would go round. */
  readonly at: string;
  readonly network: string;
};

export type OutsOptions = {
  /** The loopback address that jobs of this node reach their `out` ports at. */
  readonly address: string;
  /** Leads a connection to where the job was submitted. Throws `Failed`. */
  readonly lead: (wish: OutWish) => Duplex | Promise<Duplex>;
  /** Whether the address is where it would lead to, so that there is nothing to do. */
  readonly isThere: (to: OutTarget) => Promise<boolean>;
  /** The account that a job runs as, in numbers. */
  readonly uidOf: (user: string) => Promise<number | undefined>;
};

export interface WorkerOuts extends Outs {
  closeAll(): Promise<void>;
}

/** Where jobs of a node whose address is this one reach their `out` ports: nobody else can. */
export const outAddressOf = (address: string): string =>
  isLoopback(address) ? address : '127.0.0.1';

/** Names the network that this process sees: another has loopback addresses of its own. */
export function ownNetwork(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/net')}`;
  } catch {
    return '';
  }
}

/** The `out` ports of the jobs that run here, while they run. */
export function openOuts(options: OutsOptions): WorkerOuts {
  const { address } = options;
  const network = ownNetwork();
  const opened = new Map<string, Map<number, OpenPort>>();
  const nameOf = ({ job, attempt, rank }: AttemptKey): string => `${job}.${attempt}.${rank}`;

  const wishOf = ({ key }: OutOrder, port: number): OutWish => ({
    ...key,
    port,
    at: address,
    network,
  });
  const join = async (order: OutOrder, port: number, socket: Socket): Promise<void> => {
    const uid = await options.uidOf(order.user);
    const from = await userOf(socket);
    // Of one that has closed its side already the system does not tell whose it was.
    if (uid !== undefined && from !== undefined && from !== uid)
      throw new Failed('forbidden', 'this port is that of a job of another account');
    const out = await options.lead(wishOf(order, port));
    limitWait(out);
    await relay(socket, out);
  };
  const close = async (key: AttemptKey): Promise<void> => {
    const ports = opened.get(nameOf(key));
    opened.delete(nameOf(key));
    await Promise.all([...(ports?.values() ?? [])].map(shut));
  };
  return {
    async open(order) {
      const ports = opened.get(nameOf(order.key)) ?? new Map<number, OpenPort>();
      opened.set(nameOf(order.key), ports);
      const isThere = order.ports.length > 0 && (await options.isThere(order.to));
      for (const port of isThere ? [] : order.ports) {
        if (ports.has(port)) continue;
        try {
          ports.set(port, await openPort(address, port, (socket) => join(order, port, socket)));
        } catch (error) {
          await close(order.key);
          throw error instanceof BindFailed ? error.failed : error;
        }
      }
    },
    close,
    closeAll: async () => {
      await Promise.all([...opened.values()].flatMap((ports) => [...ports.values()].map(shut)));
      opened.clear();
    },
  };
}

/** A head that does not answer is not waited for for ever. */
function limitWait(out: Duplex): void {
  if (!('accepted' in out)) return;
  const stream = out as Stream;
  const late = setTimeout(() => {
    stream.destroy(new Failed('timeout', 'no head answers'));
  }, limits.forwardOpenMs);
  const answered = (): void => clearTimeout(late);
  stream.accepted().then(answered, answered);
}
