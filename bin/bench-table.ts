import { readFileSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import type { Line } from '../bench/rounds.ts';

/**
 * bench-table FILE… [--into PAGE]: makes a table of what `npm run -s bench -- NAME --json` printed.
 * Of a metric that was measured again beside the same peer the last line counts. With `--into` the
 * table takes the place of the one in that page, between two marks; else it goes to stdout.
 */

const BEGIN = '<!-- measured: begin -->';
const END = '<!-- measured: end -->';

export function parseLines(text: string): readonly Line[] {
  const lines = text.split('\n').filter((line) => line.startsWith('{'));
  const newest = new Map<string, Line>();
  for (const line of lines.map((each) => JSON.parse(each) as Line))
    newest.set(`${line.bench} ${line.metric} ${line.besideName}`, line);
  return [...newest.values()];
}

export function markdown(lines: readonly Line[]): string {
  const rows = lines.map(({ bench, metric, unit, ours, beside, besideName, ratio, runs }) => [
    bench,
    `${metric}, ${unit}`,
    figure(ours),
    figure(beside),
    besideName,
    ratio.toFixed(2),
    String(runs),
  ]);
  const head = ['bench', 'metric', 'ours', 'beside', 'which is', 'ratio', 'rounds'];
  const rule = ['---', '---', '---:', '---:', '---', '---:', '---:'];
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Puts a table between the marks of a page. */
export function inserted(page: string, table: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the page has no ${BEGIN} … ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${page.slice(end)}`;
}

/** Three digits that count; whole numbers where there are more. */
function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return Number(value.toPrecision(3)).toString();
}

function main(args: readonly string[]): void {
  const at = args.indexOf('--into');
  const page = at < 0 ? undefined : args[at + 1];
  const files = args.filter((_, i) => at < 0 || (i !== at && i !== at + 1));
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  const table = markdown(parseLines(text));
  if (page === undefined) process.stdout.write(`${table}\n`);
  else writeFileSync(page, inserted(readFileSync(page, 'utf8'), table));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main(process.argv.slice(2));
