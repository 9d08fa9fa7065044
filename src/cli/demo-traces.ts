import {
  existsSync,
  globSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { look, signal } from '../platform/process/being.ts';
import { readMounts } from '../platform/process/fence-controls.ts';

/**
 * What the demo has to leave nothing of. It looks at the system itself, not at what swm says: at
 * /proc, for all that bears one of our ids or lives in our folder, and at what such processes hold.
 */
export type Traces = {
  readonly root: string;
  /** Of the installation, its machines and its job: every process of theirs bears one. */
  readonly ids: Set<string>;
  /** Ports that our processes listened on, by the inode of the socket. */
  readonly sockets: Map<string, string>;
  readonly groups: Set<string>;
  /** Patterns of spools besides the head's own, whose installations are ours too. */
  readonly spools: string[];
};

export const traces = (root: string): Traces => ({
  root,
  spools: [join(root, 'spool/gates/local/*/*/spool')],
  ids: new Set(),
  sockets: new Map(),
  groups: new Set(),
});

/** Where something of ours might lie besides our own folder. */
const PLACES = ['/tmp', '/var/tmp', '/dev/shm', '/run'];
/** As much of an id as names of folders have. */
const SHORT = 8;
/** What is dying may take a moment; what is still there then is left behind. */
const DYING_MS = 3_000;
const LOOK_MS = 25;

/** Looks at what lives now, so that it can be asked for at the end. */
export function observe(seen: Traces): void {
  const spool = join(seen.root, 'spool');
  for (const each of [spool, ...globSync(seen.spools)]) {
    const id = read(join(each, 'installation')).trim();
    if (id !== '') seen.ids.add(id);
  }
  const listening = listeners();
  const groupsOf = groupFinder();
  for (const pid of ours(seen)) {
    for (const group of groupsOf(pid)) seen.groups.add(group);
    for (const descriptor of list(`/proc/${pid}/fd`)) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${descriptor}`))?.[1];
      const address = inode === undefined ? undefined : listening.get(inode);
      if (inode !== undefined && address !== undefined) seen.sockets.set(inode, address);
    }
  }
}

/** All that is still there, a line each, once what is dying had its time. */
export async function whatIsLeft(seen: Traces): Promise<readonly string[]> {
  const until = performance.now() + DYING_MS;
  for (;;) {
    const left = [...processes(seen), ...ports(seen), ...folders(seen), ...groups(seen)];
    if (left.length === 0 || performance.now() > until) return left;
    await sleep(LOOK_MS);
  }
}

/** Takes away by force what the head should have, so that a fault costs nobody anything. */
export async function wipe(seen: Traces): Promise<void> {
  const until = performance.now() + DYING_MS;
  for (;;) {
    const pids = ours(seen);
    for (const pid of pids) signal(pid, 'SIGKILL');
    // The dead count in their group for a moment longer.
    const kept = [...seen.groups].toSorted().filter((group) => existsSync(group));
    for (const group of kept.toReversed()) removeGroup(group);
    if ((pids.length === 0 && kept.length === 0) || performance.now() > until) break;
    await sleep(LOOK_MS);
  }
  for (const folder of foldersOf(seen)) rmSync(folder, { recursive: true, force: true });
}

function processes(seen: Traces): readonly string[] {
  return ours(seen).map((pid) => {
    const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').slice(0, 120).trim();
    return `process ${pid}: ${command || read(`/proc/${pid}/comm`).trim()}`;
  });
}

function ports({ sockets }: Traces): readonly string[] {
  const listening = listeners();
  return [...sockets]
    .filter(([inode]) => listening.has(inode))
    .map(([, address]) => `port ${address} is listened on`);
}

const folders = (seen: Traces): readonly string[] =>
  foldersOf(seen).map((folder) => `folder ${folder}`);

const groups = ({ groups: all }: Traces): readonly string[] =>
  [...all].filter((group) => existsSync(group)).map((group) => `control group ${group}`);

function foldersOf({ root, ids }: Traces): readonly string[] {
  const names = [basename(root), ...[...ids].map((id) => id.slice(0, SHORT))];
  return [...new Set([...PLACES, dirname(root)])].flatMap((place) =>
    list(place)
      .filter((entry) => names.some((name) => entry.includes(name)))
      .map((entry) => join(place, entry)),
  );
}

/** Processes that live, were started after us, and are ours by descent, mark or place. */
function ours({ root, ids }: Traces): readonly number[] {
  const marks = [root, ...ids];
  const self = look(process.pid);
  return list('/proc').flatMap((name) => {
    const pid = Number(name);
    const sight = Number.isInteger(pid) && pid !== process.pid ? look(pid) : undefined;
    if (sight === undefined || sight.start < (self?.start ?? 0)) return [];
    if (sight.state === 'Z' || sight.state === 'X') return [];
    const texts = [read(`/proc/${pid}/environ`), read(`/proc/${pid}/cmdline`)];
    const place = linkOf(`/proc/${pid}/cwd`);
    const marked = [...texts, place].some((text) => marks.some((mark) => text.includes(mark)));
    return marked || descends(pid) ? [pid] : [];
  });
}

function descends(pid: number): boolean {
  for (let at = look(pid); at !== undefined && at.parent > 1; at = look(at.parent))
    if (at.parent === process.pid) return true;
  return false;
}

/** The listening TCP sockets of this machine: their addresses by their inodes. */
function listeners(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const table of ['tcp', 'tcp6'])
    for (const line of read(`/proc/net/${table}`).split('\n').slice(1)) {
      const [, address = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (state === '0A') found.set(inode, addressOf(address));
    }
  return found;
}

/** `0100007F:22B8` is 127.0.0.1:8888; of IPv6 the digits must do. */
function addressOf(text: string): string {
  const [host = '', port = ''] = text.split(':');
  const bytes = host.match(/../g) ?? [];
  const name = bytes.length === 4 ? bytes.map((byte) => Number.parseInt(byte, 16)) : [host];
  return `${name.toReversed().join('.')}:${Number.parseInt(port, 16)}`;
}

/** Gives the control groups that a process is in below our own. */
function groupFinder(): (pid: number) => readonly string[] {
  const mounts = read('/proc/self/mountinfo');
  const groupsIn = (cgroup: string): readonly string[] =>
    readMounts(mounts, cgroup).map(({ dir }) => resolve(dir));
  const own = groupsIn(read('/proc/self/cgroup'));
  return (pid) =>
    groupsIn(read(`/proc/${pid}/cgroup`)).flatMap((group) => {
      const parent = own.find((each) => group.startsWith(`${each}/`));
      const found: string[] = [];
      if (parent !== undefined)
        for (let at = group; at !== parent; at = dirname(at)) found.push(at);
      return found;
    });
}

function removeGroup(path: string): void {
  for (const entry of readdirSafely(path))
    if (entry.isDirectory()) removeGroup(join(path, entry.name));
  try {
    rmdirSync(path);
  } catch {
    // It is gone already, or somebody is still in it: there will be another look.
  }
}

function readdirSafely(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch {
    return [];
  }
}

const list = (path: string): readonly string[] => readdirSafely(path).map(({ name }) => name);

/** What is gone, or not ours to look at, has nothing to read. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
