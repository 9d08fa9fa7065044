import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, realpath, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Failed, Malformed } from '../protocol/errors.ts';
import { diskFailed, errno, writeFileDurably } from './disk.ts';
import { lockSpool } from './spool-lock.ts';

/** Where everything of one node lies; absolute paths. */
export type SpoolPlaces = {
  /** Certificates and keys: of the cluster's authority, of nodes, and of users. */
  readonly cluster: string;
  readonly node: string;
  readonly users: string;
  /** The store of what the heads replicate, and that of this node alone. */
  readonly controlStore: string;
  readonly nodeStore: string;
  readonly blobs: string;
  readonly jobs: string;
  readonly log: string;
  /** Pid and ports of the running node, for commands of the same machine. */
  readonly nodeFile: string;
  readonly config: string;
};

export type Spool = {
  /** Absolute, without symbolic links. */
  readonly path: string;
  readonly places: SpoolPlaces;
  /** The UUID of this installation, drawn once: sites' tags carry it. */
  readonly installation: string;
  /** What the operator should know and may live with, in sentences. */
  readonly warnings: readonly string[];
  /** The place of a job, not made. Throws `Malformed` for what is no job id. */
  job(id: string): string;
  /** Lets another process have the spool. */
  close(): void;
};

export type SpoolOptions = {
  /** Jobs' directories are another user's business only on a worker. */
  readonly roles: readonly ('head' | 'worker')[];
};

/** The layout of this swm; raise it with a change that an older swm could not read. */
const VERSION = 1;
const VERSION_FILE = 'version';
const INSTALLATION_FILE = 'installation';
const NODE_FILE = 'node.json';
const SECURE = ['cluster', 'node', 'users'];
const FOLDERS = ['secure', 'control', 'node', 'blobs', 'job', 'run', 'log'];
const FILES = [VERSION_FILE, INSTALLATION_FILE, 'swm.yaml'];
const PRIVATE = 0o700;
/** Others may pass through, and neither list nor write. */
const PASSABLE = 0o711;

/**
 * Opens a node's spool, or makes it, for this process alone; its version is read before anything
 * in it is opened. As root, jobs run as other users, so on a worker the way to their directories
 * can be passed. Throws `Failed`: in_use, wrong_version, refused, forbidden, corrupt, disk_full.
 */
export async function openSpool(path: string, { roles }: SpoolOptions): Promise<Spool> {
  try {
    await mkdir(resolve(path), { recursive: true, mode: PRIVATE });
    const root = await realpath(path);
    await checkOwner(root);
    const known = await checkVersion(root);
    const run = join(root, 'run');
    await mkdir(run, { recursive: true, mode: PRIVATE });
    await chmod(run, PRIVATE);
    const lock = await lockSpool(root, run);
    try {
      await makeFolders(root, roles.includes('worker') && isRoot());
      if (!known) await writeFileDurably(join(root, VERSION_FILE), `${VERSION}\n`);
      await rm(join(run, NODE_FILE), { force: true });
      const installation = await readInstallation(join(root, INSTALLATION_FILE));
      const warnings = await findObstacles(root, roles);
      const places = placesOf(root);
      const job = (id: string): string => join(places.jobs, checkJobId(id));
      return { path: root, places, installation, warnings, job, close: lock.release };
    } catch (error) {
      lock.release();
      throw error;
    }
  } catch (error) {
    throw diskFailed(error, path, 'Opening the spool');
  }
}

const isRoot = (): boolean => process.geteuid?.() === 0;

export const placesOf = (root: string): SpoolPlaces => ({
  cluster: join(root, 'secure', 'cluster'),
  node: join(root, 'secure', 'node'),
  users: join(root, 'secure', 'users'),
  controlStore: join(root, 'control'),
  nodeStore: join(root, 'node'),
  blobs: join(root, 'blobs'),
  jobs: join(root, 'job'),
  log: join(root, 'log'),
  nodeFile: join(root, 'run', NODE_FILE),
  config: join(root, 'swm.yaml'),
});

/** In a directory of somebody else's all that swm keeps could be exchanged under its feet. */
async function checkOwner(root: string): Promise<void> {
  const { uid } = await stat(root);
  const own = process.geteuid?.() ?? uid;
  if (uid === own) return;
  throw new Failed(
    'forbidden',
    `The spool ${root} belongs to user ${uid}, and swm runs as ${own}. ` +
      'Run it as its owner, or choose another spool.',
  );
}

/** Whether there is a version; throws for one that this swm does not know. */
async function checkVersion(root: string): Promise<boolean> {
  const path = join(root, VERSION_FILE);
  if (!existsSync(path)) {
    await checkStrangers(root);
    return false;
  }
  const text = (await readFile(path, 'utf8')).trim();
  if (!/^[1-9]\d{0,8}$/.test(text))
    throw new Failed(
      'corrupt',
      `${path} says ${JSON.stringify(text.slice(0, 40))}, which is no version of a spool; ` +
        `this swm writes ${VERSION}. Restore the file, or choose another spool.`,
    );
  if (Number(text) > VERSION)
    throw new Failed(
      'wrong_version',
      `The spool ${root} has version ${text}, and this swm knows versions up to ${VERSION}. ` +
        'Use the newer swm that wrote it.',
    );
  return true;
}

/** A directory with other people's files is not made a spool: a typing error must harm nobody. */
async function checkStrangers(root: string): Promise<void> {
  const strangers = (await readdir(root)).filter((name) => !isOurs(name));
  if (strangers.length === 0) return;
  throw new Failed(
    'refused',
    `${root} has no file ${VERSION_FILE} but other things, such as ${strangers[0]}: ` +
      'it is no spool of swm. Choose an empty or a new directory.',
  );
}

/** Files on their way, as `version.UUID.new`, are those of another who starts in this moment. */
const isOurs = (name: string): boolean =>
  [...FOLDERS, ...FILES].includes(name) ||
  FILES.some((file) => name.startsWith(`${file}.`) && name.endsWith('.new'));

async function makeFolders(root: string, passable: boolean): Promise<void> {
  await chmod(root, passable ? PASSABLE : PRIVATE);
  const rights = FOLDERS.filter((name) => !['control', 'node'].includes(name)).map(
    (name) => [name, name === 'job' && passable ? PASSABLE : PRIVATE] as const,
  );
  for (const [name, mode] of [
    ...rights,
    ...SECURE.map((name) => [`secure/${name}`, PRIVATE] as const),
  ]) {
    await mkdir(join(root, name), { recursive: true, mode });
    await chmod(join(root, name), mode);
  }
}

async function readInstallation(path: string): Promise<string> {
  try {
    const text = (await readFile(path, 'utf8')).trim();
    if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return text;
    throw new Failed(
      'corrupt',
      `${path} holds no id of an installation. Restore it: clusters at sites bear this id, ` +
        'and with another they would be taken for strangers.',
    );
  } catch (error) {
    if (errno(error) !== 'ENOENT') throw error;
  }
  const installation = randomUUID();
  await writeFileDurably(path, `${installation}\n`);
  return installation;
}

/** As root, jobs run as others, who must be able to pass through every folder above theirs. */
async function findObstacles(root: string, roles: SpoolOptions['roles']): Promise<string[]> {
  if (!isRoot() || !roles.includes('worker')) return [];
  const warnings: string[] = [];
  for (let at = dirname(root); ; at = dirname(at)) {
    const { mode } = await stat(at);
    if ((mode & 0o001) === 0)
      warnings.push(
        `Jobs run as other users, and those cannot pass ${at}: \`chmod o+x ${at}\`, ` +
          'or choose a spool such as /opt/swm/spool.',
      );
    if (at === dirname(at)) return warnings;
  }
}

function checkJobId(id: string): string {
  if (!/^[0-9a-zA-Z][0-9a-zA-Z-]{0,63}$/.test(id))
    throw new Malformed('job id', 'letters, digits, -');
  return id;
}
