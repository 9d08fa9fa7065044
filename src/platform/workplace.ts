import { randomUUID } from 'node:crypto';
import { chmod, chown, lstat, mkdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, normalize, relative, resolve, sep } from 'node:path';
import type {
  AttemptKey,
  BlobRef,
  Collected,
  Output,
  Place,
  PlaceOrder,
  Progress,
  Saver,
  Workplace,
} from '../actors/ports.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Millis } from '../runtime/ports.ts';
import type { DiskBlobs } from './blobs.ts';
import { takeCheckpoint } from './checkpoint.ts';
import { diskFailed } from './disk.ts';
import { copyAnew, keepFile, logBlob, replaced, within } from './job-files.ts';
import { findOutputs } from './outputs.ts';
import type { Account } from './process/account.ts';
import { removeShared } from './removal.ts';
import { besideShift, INDEX } from './shift/files.ts';
import { placeShift } from './shift/place.ts';
import { agentProgram, commandProgram } from './task/program.ts';

/** What brings blobs from the head and back to it; on a head itself there is nothing to do. */
export type Carrier = {
  fetch(blob: BlobRef, progress: Progress, signal: AbortSignal): Promise<void>;
  send(blob: BlobRef, progress: Progress, signal: AbortSignal): Promise<void>;
};

export type WorkplaceOptions = {
  /** Absolute; the account of every job can pass through it. */
  readonly directory: string;
  readonly blobs: DiskBlobs;
  readonly carrier: Carrier;
  /** The account that a job is to run as, or undefined when it runs as we do. */
  readonly accountOf: (name: string) => Promise<Account | undefined>;
};

type Paths = Place & { readonly root: string; readonly work: string };

/**
 * Each attempt has a directory of its own, `JOB/ATTEMPT.RANK`: what is ours in it, and below it
 * `work`, which belongs to the job's account.
 */
export function workplace(options: WorkplaceOptions): Workplace {
  return {
    stage: (order, progress, signal) =>
      stage(options, order, progress, signal).catch((error) => {
        throw diskFailed(error, options.directory, 'Staging');
      }),
    collect: (order, progress, signal) =>
      collect(options, order, progress, signal).catch((error) => {
        throw diskFailed(error, options.directory, 'Collecting');
      }),
    checkpoint: (order, job, ms, signal) =>
      checkpoint(options, order, job, ms, signal).catch((error) => {
        throw diskFailed(error, options.directory, 'Keeping a checkpoint');
      }),
    clear: async (key) => {
      const { root } = pathsOf(options.directory, { key, stdout: '', stderr: '', workdir: '' });
      await removeShared(root);
      // Another attempt of the job may have its place beside.
      await rmdir(dirname(root)).catch(() => {});
    },
  };
}

type Named = Pick<PlaceOrder, 'key' | 'stdout' | 'stderr' | 'workdir'>;

function pathsOf(directory: string, order: Named): Paths {
  const { job, attempt, rank }: AttemptKey = order.key;
  const root = join(directory, job, `${attempt}.${rank}`);
  const work = join(root, 'work');
  const log = (asked: string, usual: string): string =>
    asked === '' ? join(root, usual) : within(work, asked);
  return {
    root,
    work,
    directory: order.workdir === '' ? work : resolve(work, order.workdir),
    script: join(root, 'script'),
    stdout: log(order.stdout, 'stdout.log'),
    stderr: log(order.stderr, 'stderr.log'),
  };
}

async function stage(
  options: WorkplaceOptions,
  order: PlaceOrder,
  progress: Progress,
  signal: AbortSignal,
): Promise<Place> {
  const paths = pathsOf(options.directory, order);
  const account = await options.accountOf(order.user);
  const give = async (path: string, mode: number): Promise<void> => {
    await chmod(path, mode);
    if (account !== undefined) await chown(path, account.uid, account.gid);
  };
  await mkdir(paths.root, { recursive: true });
  await chmod(dirname(paths.root), 0o711);
  await chmod(paths.root, 0o711);
  await closedWork(paths, account);
  await fetchAll(options, order, progress, signal);
  for (const input of [...order.inputs, ...order.restored]) {
    const to = within(paths.work, input.path);
    await makeFolders(paths.work, dirname(to), give);
    await copyAnew(options.blobs.path(input.sha256), to);
    await give(to, input.mode | 0o400);
  }
  await writeSecrets(paths, order, give);
  if (paths.directory.startsWith(paths.work)) await makeFolders(paths.work, paths.directory, give);
  const saves = checkpointFolder(paths, order);
  if (saves.startsWith(paths.work + sep)) await makeFolders(paths.work, saves, give);
  for (const log of [paths.stdout, paths.stderr])
    if (log.startsWith(paths.work + sep)) await makeFolders(paths.work, dirname(log), give);
  await writeAids(paths, order);
  if (order.taskMs !== undefined) await placeShift(paths.script, order.taskMs, give);
  const program = order.taskMs === undefined ? paths.script : besideShift(paths, 'task');
  if (order.scriptBlob !== null && order.tasks !== 'agent')
    await copyAnew(options.blobs.path(order.scriptBlob.sha256), program);
  else await replaced(program, order.tasks === 'agent' ? agentProgram : order.script);
  for (const each of new Set([program, paths.script])) await give(each, 0o500);
  // From here on processes of that account can change what is in it.
  await give(paths.work, 0o700);
  const { directory, script, stdout, stderr } = paths;
  return { directory, script, stdout, stderr };
}

/** What helps a job of several nodes: a list of them, and the command that reaches them. */
async function writeAids({ root }: Paths, { hosts, tasks }: PlaceOrder): Promise<void> {
  if (hosts !== '') await writeReadable(join(root, 'hosts'), hosts, 0o444);
  if (tasks !== 'command') return;
  await mkdir(join(root, 'bin'), { recursive: true });
  await chmod(join(root, 'bin'), 0o755);
  await writeReadable(join(root, 'bin', 'swm'), commandProgram, 0o555);
}

async function writeReadable(path: string, text: string, mode: number): Promise<void> {
  await rm(path, { force: true });
  await writeFile(path, text);
  await chmod(path, mode);
}

/** Files for the job's account alone. A log in the place of one would carry it away. */
async function writeSecrets(
  { work, stdout, stderr }: Paths,
  { secrets = [] }: PlaceOrder,
  give: (path: string, mode: number) => Promise<void>,
): Promise<void> {
  for (const { path, text } of secrets) {
    const to = within(work, path);
    if (to === stdout || to === stderr)
      throw new Failed('refused', `${path} cannot be a secret and a log`);
    await makeFolders(work, dirname(to), give);
    await rm(to, { force: true });
    await writeFile(to, text, { mode: 0o600 });
    await give(to, 0o600);
  }
}

/**
 * The working directory, closed to all but us until everything is in its place: another job of the
 * same account would else put links there, through which we would write and give away, as root,
 * what is not the job's. One that was given to the account before we were killed is put aside.
 */
async function closedWork({ root, work }: Paths, account: Account | undefined): Promise<void> {
  const found = await lstat(work).catch(() => undefined);
  const isGiven = account !== undefined && found !== undefined && found.uid !== process.geteuid?.();
  if (isGiven) await rename(work, join(root, `given-${randomUUID()}`));
  await mkdir(work, { recursive: true, mode: 0o700 });
}

async function makeFolders(
  work: string,
  folder: string,
  give: (path: string, mode: number) => Promise<void>,
): Promise<void> {
  let at = work;
  for (const part of relative(work, folder).split(sep)) {
    if (part === '') continue;
    at = join(at, part);
    if (await mkdir(at, { recursive: true })) await give(at, 0o700);
  }
}

async function fetchAll(
  { blobs, carrier }: WorkplaceOptions,
  { inputs, restored, scriptBlob }: PlaceOrder,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const wanted = new Map<string, BlobRef>();
  for (const blob of [...inputs, ...restored, ...(scriptBlob ? [scriptBlob] : [])])
    wanted.set(blob.sha256, { sha256: blob.sha256, bytes: blob.bytes });
  const total = [...wanted.values()].reduce((sum, blob) => sum + blob.bytes, 0);
  let before = 0;
  for (const blob of wanted.values()) {
    const from = before;
    if (!blobs.has(blob.sha256))
      await carrier.fetch(blob, (done) => progress(from + done, total), signal);
    before += blob.bytes;
    progress(before, total);
  }
}

/**
 * The job's processes are all dead now, but others of the same account may live: each file must be
 * that account's when it is open, whatever was put in the place of its folder meanwhile.
 */
async function collect(
  options: WorkplaceOptions,
  order: PlaceOrder,
  progress: Progress,
  signal: AbortSignal,
): Promise<Collected> {
  const paths = pathsOf(options.directory, order);
  const owner = (await options.accountOf(order.user))?.uid;
  const outputs: Output[] = [];
  const found = await findOutputs(paths.work, order.outputs);
  const missing = [...found.missing, ...order.outputs.filter((path) => isSecret(order, path))];
  for (const file of found.files) {
    if (isSecret(order, file)) continue;
    const output = await keepFile(options.blobs, paths.work, file, owner);
    if (output !== undefined) outputs.push(output);
    else if (missing.length < limits.filesMax) missing.push(file);
  }
  const stdout = await logBlob(options.blobs, paths.stdout, paths.root, owner);
  const stderr = await logBlob(options.blobs, paths.stderr, paths.root, owner);
  const index =
    order.taskMs === undefined
      ? {}
      : { index: await logBlob(options.blobs, besideShift(paths, INDEX), paths.root, owner) };
  const all = [...outputs, stdout, stderr, ...Object.values(index)];
  await sendAll(options.carrier, all, progress, signal);
  return { outputs, missing, stdout, stderr, ...index };
}

async function sendAll(
  carrier: Carrier,
  all: readonly BlobRef[],
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const total = all.reduce((sum, blob) => sum + blob.bytes, 0);
  let before = 0;
  for (const { sha256, bytes } of all) {
    const from = before;
    await carrier.send({ sha256, bytes }, (done) => progress(from + done, total), signal);
    before += bytes;
    progress(before, total);
  }
}

/** The files that a job was given as secrets are not taken from it, whatever it asks for. */
const isSecret = ({ secrets = [] }: PlaceOrder, file: string): boolean =>
  secrets.some(({ path }) => normalize(path) === file);

const checkpointFolder = ({ directory }: Paths, order: PlaceOrder): string =>
  order.checkpointDir === '' ? '' : resolve(directory, order.checkpointDir);

async function checkpoint(
  options: WorkplaceOptions,
  order: PlaceOrder,
  job: Saver,
  ms: Millis,
  signal: AbortSignal,
): Promise<readonly Output[] | null> {
  const paths = pathsOf(options.directory, order);
  const folder = checkpointFolder(paths, order);
  const owner = (await options.accountOf(order.user))?.uid;
  const isSecretOf = (file: string): boolean => isSecret(order, file);
  const place = { work: paths.work, folder, blobs: options.blobs, owner, isSecret: isSecretOf };
  const files = await takeCheckpoint(place, job, ms, signal);
  if (files !== null) await sendAll(options.carrier, files, () => {}, signal);
  return files;
}
