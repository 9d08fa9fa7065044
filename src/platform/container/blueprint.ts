import { createHash } from 'node:crypto';
import { basename, dirname } from 'node:path';
import type { ContainerCreateOptions } from 'dockerode';
import type { AttemptKey, ProcessOrder } from '../../actors/ports.ts';
import { limits } from '../../protocol/limits.ts';
import type { OwnNetwork } from './network.ts';

/** What is known of a container besides the order for it. */
export type Facts = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** What every process of it has in its environment. */
  readonly marks: Readonly<Record<string, string>>;
  /** The account that it runs as, by its numbers on this machine. */
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** A folder that this account can write to, in which it says that it has begun. */
  readonly claim: string;
  /** Undefined: it has the network of the machine. */
  readonly network?: OwnNetwork;
};

/** Where the claim is in the container. */
const CLAIM = '/.swm';

/**
 * What the container runs first. The engine may be asked twice to start it, by a worker and the one
 * after it: the first to make the file `begun` goes on. The logs are the same files that processes
 * write to, so that none of their bytes pass through the engine or through us.
 */
const entry = `(set -C; : >"$0/begun") 2>/dev/null || { : >"$0/again"; exit 125; }
exec 2>>"$4" || exit 126
exec >>"$3" || exit 126
[ -n "$2" ] || set -- "$1" /dev/null
[ -r "$2" ] || { echo "swm: $2 cannot be read" >&2; exit 126; }
exec <"$2"
[ -r "$1" ] || { echo "swm: $1 cannot be read" >&2; exit 126; }
exec "$1"`;

/**
 * A container has the rights of a process of the same job, or less: its account, no capabilities,
 * the files of its attempt, and of the machine's network nothing, unless its job needs it.
 */
export function blueprint(order: ProcessOrder, facts: Facts): ContainerCreateOptions {
  const { directory, script, stdin, stdout, stderr } = order;
  const env = Object.entries({ ...order.env, ...facts.marks });
  const { network } = facts;
  return {
    name: facts.name,
    Image: order.image ?? '',
    User: `${facts.uid}:${facts.gid}`,
    WorkingDir: directory,
    Entrypoint: ['/bin/sh', '-c', entry, CLAIM],
    Cmd: [script, stdin, stdout, stderr],
    Env: env.map(([name, value]) => `${name}=${value}`),
    Labels: { ...facts.labels },
    ...(network && { ExposedPorts: ofPorts(network, () => ({})) }),
    HostConfig: {
      Init: true,
      NetworkMode: network?.name ?? 'host',
      ...(network && {
        PortBindings: ofPorts(network, (port) => [
          { HostIp: network.address, HostPort: `${port}` },
        ]),
      }),
      Privileged: false,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      GroupAdd: facts.groups.filter((group) => group !== facts.gid).map(String),
      RestartPolicy: { Name: 'no' },
      LogConfig: { Type: 'none', Config: {} },
      ...limitsOf(order),
      Mounts: [
        bind(dirname(script)),
        { ...bind(script), ReadOnly: true },
        { ...bind(facts.claim), Target: CLAIM },
        ...(order.folders ?? []).map(bind),
      ],
    },
  };
}

/** A row for each port, as engines write them. */
const ofPorts = <T>({ ports }: OwnNetwork, value: (port: number) => T): Record<string, T> =>
  Object.fromEntries(ports.map((port) => [`${port}/tcp`, value(port)]));

const bind = (path: string) => ({
  Type: 'bind' as const,
  Source: path,
  Target: path,
  ReadOnly: false,
});

/** All devices, since nobody says which are whose: GPUs are counted, not confined. */
const GPUS = [{ Driver: '', Count: -1, Capabilities: [['gpu']] }];

const limitsOf = ({ limits: { cpus, memoryBytes, gpus } }: ProcessOrder) => ({
  PidsLimit: limits.jobProcessesMax,
  ...(cpus > 0 && { NanoCpus: Math.round(cpus * 1e9) }),
  ...(memoryBytes > 0 && { Memory: memoryBytes, MemorySwap: memoryBytes }),
  ...(gpus > 0 && { DeviceRequests: GPUS }),
});

/** Labels of each container: whose it is, and the path of its attempt's record. */
export const INSTALLATION = 'swm.installation';
export const RECORD = 'swm.record';

/** By which its containers are known to a worker, whatever its records say. */
export const labelsOf = (
  record: string,
  { job, attempt, rank }: AttemptKey,
  installation: string,
): Readonly<Record<string, string>> => ({
  [INSTALLATION]: installation,
  [RECORD]: record,
  'swm.job': job,
  'swm.attempt': `${attempt}`,
  'swm.rank': `${rank}`,
});

/** The same name for the same attempt of the same worker, so that it is there once. */
export function nameOf(record: string): string {
  return `${workerOf(record)}-${basename(record, '.record')}`;
}

/** The same for all attempts of a worker, and different from those of others. */
export const workerOf = (record: string): string =>
  `swm-${createHash('sha256').update(dirname(record)).digest('hex').slice(0, 8)}`;
