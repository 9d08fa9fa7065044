import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * bench NAME ARGS: runs the bench of that name, or one after the other with `all`; it prints lines
 * of JSON with `--json`. Without a name that there is, it says which there are, and ends with 2;
 * with 1 if a bench did not come to its end.
 */

const folder = join(import.meta.dirname, '../bench');

/** What measures when it is run; the other files there are parts of these. */
const isBench = (file: string): boolean =>
  file.endsWith('.ts') && /^\s*await run\(/m.test(readFileSync(join(folder, file), 'utf8'));

const [name, ...args] = process.argv.slice(2);
const names = readdirSync(folder)
  .filter(isBench)
  .map((file) => file.slice(0, -'.ts'.length));
if (name === undefined || !['all', ...names].includes(name)) {
  process.stderr.write(`bench: wanted one of: all, ${names.join(', ')}\n`);
  process.exit(2);
}

for (const each of name === 'all' ? names : [name]) {
  const { status } = spawnSync(process.execPath, [join(folder, `${each}.ts`), ...args], {
    stdio: 'inherit',
  });
  if (status === 0) continue;
  process.stderr.write(`bench: ${each} did not come to its end\n`);
  process.exitCode = 1;
}
