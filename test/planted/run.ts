import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Breaks the code on purpose, one patch of this folder at a time, and looks whether the simulator
 * finds out: on the seed, and by the invariant, that the patch names in its first line. A line for
 * each bug; ends with 1 if one is not caught, with 2 if this cannot run here.
 *
 * When the code has changed so much that a seed does not show its bug any more, `--search N` looks
 * for another among the first N.
 */

const HOME = join(import.meta.dirname, '..', '..');
const COPIED = ['src', 'test/sim', 'test/ports', 'package.json'];
const AT_ONCE = 2;

type Bug = { readonly file: string; readonly seed: number; readonly invariant: string };
type Caught = { readonly seed: string; readonly invariant: string };
type Verdict = { readonly bug: Bug; readonly isCaught: boolean; readonly text: string };

/** The first line of a patch: `# seed=7 invariant=at-most-one-live-attempt`. */
async function read(file: string): Promise<Bug> {
  const [first = ''] = (await readFile(join(import.meta.dirname, file), 'utf8')).split('\n', 1);
  const [, seed, invariant] = /^# seed=(\d+) invariant=([\w-]+)$/.exec(first) ?? [];
  if (seed === undefined || invariant === undefined)
    throw new Error(`${file}: its first line names no seed and invariant`);
  return { file, seed: Number(seed), invariant };
}

type Ended = { readonly code: number; readonly out: string };

function run(command: string, args: readonly string[], cwd: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    const out: Buffer[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => out.push(chunk));
    child.once('error', reject);
    child.once('close', (code) => resolve({ code: code ?? 1, out: Buffer.concat(out).toString() }));
  });
}

/** A copy of what the simulator runs, with the bug in it. */
async function planted<T>(bug: Bug, work: (copy: string) => Promise<T>): Promise<T> {
  const copy = await mkdtemp(join(tmpdir(), 'swm-planted-'));
  try {
    for (const path of COPIED) await cp(join(HOME, path), join(copy, path), { recursive: true });
    await symlink(join(HOME, 'node_modules'), join(copy, 'node_modules'));
    const patch = join(import.meta.dirname, bug.file);
    const { code, out } = await run('git', ['apply', '--unidiff-zero', patch], copy);
    if (code !== 0) throw new Error(`${bug.file} does not fit the code any more:\n${out}`);
    return await work(copy);
  } finally {
    await rm(copy, { recursive: true });
  }
}

async function seeds(copy: string, from: number, count: number): Promise<readonly Caught[]> {
  const args = ['test/sim/run.ts', '--seeds', String(count), '--from', String(from)];
  const { out } = await run(process.execPath, args, copy);
  return [...out.matchAll(/^seed=(\d+) invariant=(\S+)/gm)].map(
    ([, seed = '', invariant = '']) => ({ seed, invariant }),
  );
}

async function judge(bug: Bug): Promise<Verdict> {
  return planted(bug, async (copy) => {
    const [found] = await seeds(copy, bug.seed, 1);
    const isCaught = found?.invariant === bug.invariant;
    const text = found === undefined ? 'nothing' : found.invariant;
    return { bug, isCaught, text: `seed=${bug.seed} invariant=${text}` };
  });
}

/** All seeds that find the bug, so that an author can choose the one that says it best. */
async function search(bug: Bug, count: number): Promise<Verdict> {
  return planted(bug, async (copy) => {
    const found = await seeds(copy, 1, count);
    const text = found.map(({ seed, invariant }) => `seed=${seed} invariant=${invariant}`);
    return { bug, isCaught: found.length > 0, text: text.slice(0, 12).join(', ') };
  });
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const at = args.indexOf('--search');
  const count = at < 0 ? 0 : Number(args[at + 1] ?? 100);
  const names = args.filter((arg) => arg.endsWith('.patch'));
  const all = (await readdir(import.meta.dirname)).filter((file) => file.endsWith('.patch'));
  const left = (names.length > 0 ? names : all.toSorted()).map(read);
  let missed = 0;
  const next = async (): Promise<void> => {
    for (let bug = left.shift(); bug !== undefined; bug = left.shift()) {
      const known = await bug;
      const { isCaught, text } = count > 0 ? await search(known, count) : await judge(known);
      if (!isCaught) missed++;
      process.stdout.write(`${isCaught ? 'caught' : 'MISSED'} ${known.file}: ${text}\n`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
  process.exitCode = missed > 0 ? 1 : 0;
}

main().catch((error: Error) => {
  process.stderr.write(`planted: ${error.message}\n`);
  process.exitCode = 2;
});
