import { spawn } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Breaks the code on purpose, one patch of this folder at a time, and looks whether the simulator,
 * or the random histories of the core, find out: on the seed, and by the invariant, that the patch
 * names in its first line. A line for each bug; ends with 1 if one is not caught, with 2 if this
 * cannot run here.
 *
 * When the code has changed so much that a seed does not show its bug any more, `--search N` looks
 * for the first among N that does, and with `--write` puts it into the patch; `--from S` begins
 * later.
 */

const HOME = join(import.meta.dirname, '..', '..');
const COPIED = [
  'src',
  'test/actors/books.ts',
  'test/sim',
  'test/ports',
  'test/consensus',
  'test/planted/seeds.ts',
  'package.json',
];
const AT_ONCE = 2;

type Bug = {
  readonly file: string;
  /** `day`: any day of the simulator; `several`: one with several heads; a rush; or the core. */
  readonly run: 'day' | 'several' | 'rush' | 'consensus';
  readonly seed: number;
  readonly invariant: string;
};
type Caught = { readonly seed: string; readonly invariant: string };
type Verdict = { readonly bug: Bug; readonly isCaught: boolean; readonly text: string };

/** The first line of a patch: `# run=day seed=7 invariant=at-most-one-live-attempt`. */
async function read(file: string): Promise<Bug> {
  const [first = ''] = (await readFile(join(import.meta.dirname, file), 'utf8')).split('\n', 1);
  const found = /^# run=(day|several|rush|consensus) seed=(\d+) invariant=([\w-]+)$/.exec(first);
  const [, run, seed, invariant] = found ?? [];
  if (run === undefined || seed === undefined || invariant === undefined)
    throw new Error(`${file}: its first line names no run, seed and invariant`);
  return { file, run: run as Bug['run'], seed: Number(seed), invariant };
}

/** Has a patch name what finds its bug now. */
async function rewrite({ file, run }: Bug, { seed, invariant }: Caught): Promise<void> {
  const path = join(import.meta.dirname, file);
  const [, ...rest] = (await readFile(path, 'utf8')).split('\n');
  await writeFile(path, [`# run=${run} seed=${seed} invariant=${invariant}`, ...rest].join('\n'));
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

/** The first of these seeds that finds the bug. */
async function first(copy: string, run: Bug['run'], from: number, count: number) {
  const args = ['test/planted/seeds.ts', run, String(from), String(count)];
  const { code, out } = await runNode(args, copy);
  if (code !== 0) throw new Error(`seeds cannot be played:\n${out}`);
  const [, seed, invariant] = /^seed=(\d+) invariant=(\S+)/m.exec(out) ?? [];
  return seed === undefined || invariant === undefined ? undefined : { seed, invariant };
}

const runNode = (args: readonly string[], cwd: string): Promise<Ended> =>
  run(process.execPath, args, cwd);

async function judge(bug: Bug): Promise<Verdict> {
  return planted(bug, async (copy) => {
    const found = await first(copy, bug.run, bug.seed, 1);
    const isCaught = found?.invariant === bug.invariant;
    const text = found === undefined ? 'nothing' : found.invariant;
    return { bug, isCaught, text: `seed=${bug.seed} invariant=${text}` };
  });
}

type Search = { readonly from: number; readonly count: number; readonly writes: boolean };

async function search(bug: Bug, { from, count, writes }: Search): Promise<Verdict> {
  return planted(bug, async (copy) => {
    const found = await first(copy, bug.run, from, count);
    if (found === undefined) return { bug, isCaught: false, text: 'nothing' };
    if (writes) await rewrite(bug, found);
    return { bug, isCaught: true, text: `seed=${found.seed} invariant=${found.invariant}` };
  });
}

function wishes(args: readonly string[]): Search | undefined {
  const number = (name: string): number => Number(args[args.indexOf(name) + 1]);
  if (!args.includes('--search')) return undefined;
  const from = args.includes('--from') ? number('--from') : 1;
  return { from, count: number('--search') || 100, writes: args.includes('--write') };
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  const searched = wishes(args);
  const names = args.filter((arg) => arg.endsWith('.patch'));
  const all = (await readdir(import.meta.dirname)).filter((file) => file.endsWith('.patch'));
  const left = (names.length > 0 ? names : all.toSorted()).map(read);
  let missed = 0;
  const next = async (): Promise<void> => {
    for (let bug = left.shift(); bug !== undefined; bug = left.shift()) {
      const known = await bug;
      const { isCaught, text } = searched ? await search(known, searched) : await judge(known);
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
