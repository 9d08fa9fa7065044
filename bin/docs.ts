import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { filled } from './doc-tables.ts';

/** Writes the tables that the guides in docs/ have from the sources. */
const home = join(import.meta.dirname, '..');
for (const path of globSync('docs/**/*.md', { cwd: home })) {
  const text = readFileSync(join(home, path), 'utf8');
  const next = await filled(text);
  if (next === text) continue;
  writeFileSync(join(home, path), next);
  process.stdout.write(`${path}\n`);
}
