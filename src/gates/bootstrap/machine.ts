import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { MachineOrder } from '../../actors/ports.ts';
import type { SshPlace, SshSession } from '../../platform/ssh/session.ts';
import { Failed, Malformed } from '../../protocol/errors.ts';
import { initScript } from '../local/init.ts';
import type { Archive } from './archive.ts';
import { clearScript, lookScript, startScript, unpackScript } from './scripts.ts';

/** A machine that is reached by SSH, and where on it a worker may live. */
export type Machine = {
  readonly place: SshPlace;
  /** Where programs lie, for all who ever live there. */
  readonly directory: string;
  /** What belongs to one life of the machine: all of its worker lies below. */
  readonly folder: string;
  /** In the environment of all its processes, and of no others. */
  readonly mark: string;
  /** What the worker's configuration has besides. */
  readonly config: object;
};

export type Found = {
  readonly hasProgram: boolean;
  /** What arrived of the archive when it was sent last. */
  readonly partBytes: number;
  /** The port of the last tunnel to that head; 0: there was none. */
  readonly tunnelPort: number;
};

/** Where scripts of older gates look for the name of their node. */
const OLD = { directory: '/opt/swm', conf: '/etc/swm.conf' };
const QUARTERS = 4;
const CORRUPT = 9;

const programOf = ({ sha256 }: Archive): string => `worker-${sha256.slice(0, 16)}`;
const confOf = ({ directory }: Machine): string => (directory === OLD.directory ? OLD.conf : '');
const digest = (text: string): string => createHash('sha256').update(text).digest('hex');
const unitOf = ({ mark }: Machine): string => `swm-worker-${digest(mark).slice(0, 12)}`;

/** A folder of a machine is part of programs there: its name is plain. Throws `Malformed`. */
export function checkPlace(path: string, at: string): string {
  const isPlain = /^(\/[A-Za-z0-9_][A-Za-z0-9._-]*)+$/.test(path) && path.length <= 200;
  if (!isPlain) throw new Malformed(at, 'an absolute path of letters, digits, `.`, `_` and `-`');
  return path;
}

/** Throws `Failed`: one to try again while a storage is missing, else where no worker can run. */
export async function look(
  session: SshSession,
  { directory, folder }: Machine,
  head: string,
  archive: Archive,
): Promise<Found> {
  const said = await run(session, lookScript, [directory, programOf(archive), folder, head]);
  const lines = new Map(
    said.split('\n').map((line): [string, string] => {
      const [word = '', value = ''] = line.split(' ', 2);
      return [word, value];
    }),
  );
  const kind = lines.get('machine');
  if (kind !== 'x86_64' || !lines.has('glibc')) {
    const what = kind === 'x86_64' ? 'has no glibc' : `is of the kind ${kind}`;
    throw new Failed('refused', `${session.name} ${what}: workers need x86_64 and glibc`);
  }
  const missing = lines.get('unmounted');
  if (missing !== undefined)
    throw new Failed('site_error', `${session.name} has not mounted the storage ${missing} yet`);
  return {
    hasProgram: lines.has('program'),
    partBytes: Number(lines.get('part') ?? 0),
    tunnelPort: Number(lines.get('tunnel')?.split(':')[1] ?? 0),
  };
}

/** Sends what is missing of the archive, and has it unpacked if its sum is right. */
export async function bringProgram(
  session: SshSession,
  machine: Machine,
  name: string,
  archive: Archive,
  partBytes: number,
  passed: (quarters: number) => void,
): Promise<void> {
  const { path, bytes, sha256 } = archive;
  const begin = Math.min(partBytes, bytes);
  const rest = Readable.from(counted(path, begin, bytes, passed), { objectMode: false });
  const words = [machine.directory, programOf(archive), sha256, confOf(machine), name];
  await run(session, unpackScript, words, rest);
}

async function* counted(
  path: string,
  begin: number,
  bytes: number,
  passed: (quarters: number) => void,
): AsyncGenerator<Buffer> {
  let done = begin;
  for await (const part of createReadStream(path, { start: begin, highWaterMark: 256 << 10 })) {
    const before = Math.floor((QUARTERS * done) / bytes);
    done += (part as Buffer).length;
    const after = Math.floor((QUARTERS * done) / bytes);
    if (after > before && after < QUARTERS) passed(after);
    yield part as Buffer;
  }
}

type Start = { readonly head: string; readonly tunnel: string; readonly archive: Archive };

/** Has a worker run, which finds this head by the tunnel, and all heads by their addresses. */
export async function startWorker(
  session: SshSession,
  machine: Machine,
  { partition: cluster, node: name, address, bootstrap }: MachineOrder,
  { head, tunnel, archive }: Start,
): Promise<void> {
  const { directory, folder, mark } = machine;
  const { caFingerprint, tokens } = bootstrap;
  const token = Object.hasOwn(tokens, name) ? tokens[name] : undefined;
  if (token === undefined) throw new Failed('refused', `there is no token for ${name}`);
  const config = {
    address,
    ...machine.config,
    roles: ['worker'],
    name,
    cluster,
    join: join(folder, 'join.json'),
    tunnels: join(folder, 'tunnels'),
  };
  const heads = [tunnel, ...bootstrap.heads].filter((each) => each !== '');
  const invitation = { heads, caFingerprint, token, name, cluster };
  const input = `${JSON.stringify(config)}\n${JSON.stringify(invitation)}\n`;
  const program = join(directory, programOf(archive));
  const unit = unitOf(machine);
  const words = [folder, program, head, tunnel, mark, unit, initScript, confOf(machine), name];
  await run(session, startScript, words, input);
}

/** Ends all that runs in a machine's folder, and removes it; no harm where there is none. */
export async function clearMachine(session: SshSession, machine: Machine): Promise<void> {
  const { folder, mark } = machine;
  // As the worker's own fences name theirs.
  const groups = `swm.${digest(join(folder, 'spool/run/attempts')).slice(0, 8)}.`;
  await run(session, clearScript, [folder, mark, unitOf(machine), groups]);
}

async function run(
  session: SshSession,
  script: string,
  words: readonly string[],
  input: string | Readable = '',
): Promise<string> {
  const ran = await session.run(['/bin/sh', '-c', script, 'swm', ...words], input);
  if (ran.code === 0) return ran.stdout;
  const why = ran.stderr.trim().split('\n').slice(-3).join('; ') || `it ended with ${ran.code}`;
  throw new Failed(
    ran.code === CORRUPT ? 'input_corrupt' : 'site_error',
    `${session.name}: ${why}`,
  );
}
