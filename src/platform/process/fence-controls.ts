import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { descendants } from './being.ts';

/** Where one controller of the kernel lets us make cgroups. */
export type Control = { readonly dir: string; readonly version: 1 | 2 };

export type Controls = {
  readonly memory?: Control;
  readonly cpu?: Control;
  readonly pids?: Control;
  readonly freezer?: Control;
};

type Mount = { readonly dir: string; readonly version: 1 | 2; readonly names: readonly string[] };

/** A file that tells that a controller is at work in a cgroup, by version. */
const proofs = {
  memory: { 1: 'memory.limit_in_bytes', 2: 'memory.max' },
  cpu: { 1: 'cpu.cfs_quota_us', 2: 'cpu.max' },
  pids: { 1: 'pids.max', 2: 'pids.max' },
  freezer: { 1: 'freezer.state', 2: 'cgroup.freeze' },
} as const;

const LEAF = 'swm.leaf';

/**
 * Tries out, by making and removing a cgroup of that name below our own, what we may use. Limits
 * set on us from outside go on to hold, because ours are below.
 */
export function findControls(probe: string): Controls {
  let found: Controls = {};
  try {
    const mounts = readMounts(
      readFileSync('/proc/self/mountinfo', 'utf8'),
      readFileSync('/proc/self/cgroup', 'utf8'),
    );
    for (const mount of mounts) found = { ...tried(mount, probe), ...found };
  } catch {
    // Without cgroups in this kernel or container, nothing is found.
  }
  return found;
}

/** The cgroup hierarchies that are mounted, v2 first, each with the directory that we live in. */
export function readMounts(mountinfo: string, cgroup: string): readonly Mount[] {
  const own = new Map(
    cgroup
      .trim()
      .split('\n')
      .map((line) => {
        const [, names = '', ...path] = line.split(':');
        return [names, path.join(':')] as const;
      }),
  );
  const mounts = mountinfo.split('\n').flatMap((line): Mount[] => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '/', point = ''] = before.split(' ');
    const [type, , options = ''] = after.split(' ');
    if (type !== 'cgroup' && type !== 'cgroup2') return [];
    const key = [...own.keys()].find((names) =>
      type === 'cgroup2'
        ? names === ''
        : names !== '' && names.split(',').every((name) => options.split(',').includes(name)),
    );
    const path = own.get(key ?? '');
    if (key === undefined || !path) return [];
    const inside = root === '/' ? path : path.startsWith(root) ? path.slice(root.length) : '';
    const dir = join(point, inside).replace(new RegExp(`/${LEAF}$`), '');
    return [{ dir, version: type === 'cgroup' ? 1 : 2, names: key.split(',') }];
  });
  return mounts.sort((a, b) => b.version - a.version);
}

/** What works in a cgroup made there. */
function tried(mount: Mount, probe: string): Controls {
  const dir = join(mount.dir, probe);
  try {
    if (mount.version === 2) handDown(mount.dir);
    mkdirSync(dir);
  } catch {
    return {};
  }
  try {
    const { version } = mount;
    const works = Object.entries(proofs).filter(
      ([name, proof]) =>
        (version === 2 || mount.names.includes(name)) && existsSync(join(dir, proof[version])),
    );
    return Object.fromEntries(works.map(([name]) => [name, { dir: mount.dir, version }]));
  } finally {
    rmdirSync(dir);
  }
}

/**
 * In v2 a cgroup with processes of its own hands no controllers down. Where all of them are ours,
 * as in a service with `Delegate=yes`, they move into a leaf of their own.
 */
function handDown(dir: string): void {
  const control = join(dir, 'cgroup.subtree_control');
  const offered = readFileSync(join(dir, 'cgroup.controllers'), 'latin1').trim().split(' ');
  const wanted = ['memory', 'cpu', 'pids'].filter((name) => offered.includes(name));
  const active = readFileSync(control, 'latin1').trim().split(' ');
  if (wanted.every((name) => active.includes(name))) return;
  const handOn = () => writeFileSync(control, wanted.map((name) => `+${name}`).join(' '));
  try {
    handOn();
  } catch {
    const procs = join(dir, 'cgroup.procs');
    const there = readFileSync(procs, 'latin1').split('\n').filter(Boolean).map(Number);
    const ours = [process.pid, ...descendants(process.pid)];
    if (!there.every((pid) => ours.includes(pid))) return;
    const leaf = join(dir, LEAF);
    if (!existsSync(leaf)) mkdirSync(leaf);
    for (const pid of there) writeFileSync(join(leaf, 'cgroup.procs'), `${pid}`);
    handOn();
  }
}
