import { readFileSync, statSync } from 'node:fs';
import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import type Docker from 'dockerode';
import type { Resources } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { errno } from '../disk.ts';
import { checkSameMachine } from './same-machine.ts';

/** A container engine that speaks Docker's API, such as Docker or Podman. */
export type Engine = {
  readonly docker: Docker;
  /** It runs as our own account, which is root in its containers. */
  readonly rootless: boolean;
  /** The letters of fence.ts for those of the limits that it cannot enforce. */
  unenforced(limits: Resources): string;
};

/** Gives the engine of this machine once it answers. Throws `Failed` that says what to do. */
export type FindEngine = () => Promise<Engine>;

/** Looks for it when it is first wanted, and again for as long as it did not answer. */
export function engineFinder(socket: string, tls?: TlsEngine): FindEngine {
  let found: Promise<Engine> | undefined;
  return () => {
    found ??= (tls ? openTls(tls) : openEngine(socket)).catch((error) => {
      found = undefined;
      throw error;
    });
    return found;
  };
}

/** One that listens by TCP at `url`. The two know one another by these files. */
export type TlsEngine = {
  readonly url: string;
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** What it must have of this machine. */
  readonly folder: string;
};

async function openTls({ url, ca, cert, key, folder }: TlsEngine): Promise<Engine> {
  const { default: Client } = await import('dockerode');
  const { hostname, port } = new URL(url);
  try {
    const files = { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key) };
    const agent = new TlsAgent({ keepAlive: false, ...files });
    const host = hostname.replace(/^\[|\]$/g, '');
    const options = { protocol: 'https' as const, host, port, agent, ...files };
    const docker = new Client(options);
    const engine = engineOf(docker, await Promise.race([docker.info(), late()]));
    await checkSameMachine(docker, folder);
    return engine;
  } catch (error) {
    throw engineFailed(error, `the container engine at ${url} cannot be used`);
  }
}

/** Where engines listen: of the machine, and of our own account. */
function usualSockets(): readonly string[] {
  const own = process.env['XDG_RUNTIME_DIR'] ?? `/run/user/${process.getuid?.() ?? 0}`;
  return [
    '/var/run/docker.sock',
    '/run/podman/podman.sock',
    `${own}/docker.sock`,
    `${own}/podman/podman.sock`,
  ];
}

async function openEngine(asked: string): Promise<Engine> {
  if (asked !== '' && !asked.startsWith('/'))
    throw new Failed('start_failed', `containers.socket: ${asked} is not the path of a socket`);
  const there = (asked === '' ? usualSockets() : [asked]).filter(isSocket);
  if (there.length === 0) {
    const where = asked === '' ? usualSockets().join(', ') : asked;
    const mend = 'install docker or podman on this node, or set containers.socket';
    throw new Failed('start_failed', `no container engine listens at ${where}: ${mend}`);
  }
  const { default: Client } = await import('dockerode');
  // A new connection each time: one that is ending answers on those that it has.
  const agent = new Agent({ keepAlive: false });
  let why: unknown;
  for (const socketPath of there) {
    const options = { socketPath, agent };
    const docker = new Client(options);
    try {
      return engineOf(docker, await Promise.race([docker.info(), late()]));
    } catch (error) {
      why = engineFailed(error, `the container engine at ${socketPath} cannot be used`);
    }
  }
  throw why;
}

async function late(): Promise<never> {
  await sleep(limits.engineMs, undefined, { ref: false });
  throw new Error('it does not answer');
}

const isSocket = (path: string): boolean => {
  try {
    return statSync(path).isSocket();
  } catch {
    return false;
  }
};

type Info = {
  readonly SecurityOptions?: readonly string[] | null;
  readonly MemoryLimit?: boolean;
  readonly CpuCfsQuota?: boolean;
  readonly PidsLimit?: boolean;
};

function engineOf(docker: Docker, info: Info): Engine {
  const rootless = info.SecurityOptions?.some((option) => option.includes('rootless')) ?? false;
  return {
    docker,
    rootless,
    unenforced: ({ memoryBytes, cpus, gpus }) =>
      [
        memoryBytes > 0 && info.MemoryLimit === false && 'm',
        cpus > 0 && info.CpuCfsQuota === false && 'c',
        info.PidsLimit === false && 'p',
        gpus > 0 && 'g',
      ]
        .filter((letter) => letter !== false)
        .join(''),
  };
}

/** What the engine answered, or how the connection to it ended. */
export function engineWords(error: unknown): string {
  const { json, message } = error as { json?: { message?: unknown }; message?: unknown };
  const words = String(json?.message ?? message ?? error);
  return words.replace(/^\(HTTP code \d+\) [^-]* - /, '').trim();
}

/** The status of its answer; undefined when there was none, so that nobody knows what it did. */
export const statusOf = (error: unknown): number | undefined =>
  (error as { readonly statusCode?: number }).statusCode;

/** For the user. Whoever gets no answer may get one later, but where it is forbidden. */
export function engineFailed(error: unknown, what: string): Failed {
  if (error instanceof Failed) return error;
  const forbidden = errno(error) === 'EACCES';
  const mend = forbidden ? '; swm’s account may not open its socket' : '';
  const again = statusOf(error) === undefined && !forbidden;
  return new Failed('start_failed', `${what}: ${engineWords(error)}${mend}`, again);
}
