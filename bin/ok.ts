import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/**
 * All that is asked of a change before it is committed: format and lint, types, then tests. Every
 * step runs, so that one round shows all faults; vitest is last and its output is left as it is.
 * Ends with 0 if all is good, 1 if a fault was found, 2 if it cannot run here.
 */

const home = join(import.meta.dirname, '..');
const modules = join(home, 'node_modules');
const tools = {
  biome: join(modules, '@biomejs/biome/bin/biome'),
  tsc: join(modules, 'typescript/bin/tsc'),
  vitest: join(modules, 'vitest/vitest.mjs'),
};

type Ended = { readonly code: number; readonly text: string };

/** Runs a tool by this very Node; keeps its output, or lets it through. */
function run(
  tool: string,
  args: readonly string[],
  output: 'kept' | 'let through',
): Promise<Ended> {
  const stdio = output === 'kept' ? 'pipe' : 'inherit';
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [tool, ...args], { cwd: home, stdio });
    const chunks: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve({ code: signal === null ? (code ?? 1) : 1, text: Buffer.concat(chunks).toString() }),
    );
  });
}

function cannotRun(why: string): never {
  process.stderr.write(`ok: ${why}\n`);
  process.exit(2);
}

for (const [name, path] of Object.entries(tools))
  if (!existsSync(path)) cannotRun(`${name} is not installed: run bin/set-up`);

const checks = [
  ['format and lint', run(tools.biome, ['check', '--colors=off', home], 'kept')],
  ['types', run(tools.tsc, ['--noEmit', '-p', home], 'kept')],
] as const;

let faults = 0;
for (const [name, ending] of checks) {
  const { code, text } = await ending;
  if (code !== 0) faults++;
  process.stderr.write(code === 0 ? `ok: ${name}: good\n` : `${text}\nok: ${name}: faults\n`);
}
const tests = await run(tools.vitest, ['run', ...process.argv.slice(2)], 'let through');
if (tests.code !== 0) faults++;
process.exitCode = faults === 0 ? 0 : 1;
