import type { DagPlace } from '../protocol/model.ts';
import { type DagRow, dagJobs } from './dag-jobs.ts';
import { exits } from './exits.ts';
import { CLEAR, exitText, painted, timeText, wheneverOneChanges } from './jobs.ts';
import type { Screen } from './screen.ts';
import { type Column, table } from './table.ts';
import { type Call, isOn } from './verb.ts';
import { short } from './words.ts';

/** Shows the jobs of a DAG as a tree, each below one that it waits for. */
export async function run({ args, options, screen, client }: Call): Promise<number> {
  const open = await client();
  const isWatch = isOn(options, 'watch');
  const show = async (): Promise<void> => {
    const rows = await dagJobs(open, args[0]!);
    if (isWatch && screen.isTerminal && !screen.json) await screen.write(CLEAR);
    if (screen.json) screen.printJson(rows);
    else print(screen, rows);
  };
  if (isWatch) await wheneverOneChanges(open, show);
  else await show();
  return exits.good;
}

function print(screen: Screen, rows: readonly DagRow[]): void {
  const { id, dag } = rows[0]!.dag;
  screen.print(`${dag} ${short(id)}: ${progressOf(rows)}`);
  const width = screen.isTerminal ? screen.columns : Number.MAX_SAFE_INTEGER;
  for (const line of table(columns, treeOf(rows), width, painted(screen))) screen.print(line);
}

/** How far it is, in words. */
export function progressOf(rows: readonly DagRow[]): string {
  const count = (fits: (row: DagRow) => boolean): number => rows.filter(fits).length;
  const isOver = ({ phase }: DagRow): boolean => phase === 'ended';
  const isWell = ({ state, exitcode }: DagRow): boolean => state === 'F' && exitcode === 0;
  const parts = [
    [count((row) => isOver(row) && isWell(row)), 'ended well'],
    [count((row) => isOver(row) && !isWell(row)), 'did not'],
    [count(({ phase }) => phase !== 'ended' && phase !== 'queued'), 'are under way'],
    [count(({ phase }) => phase === 'queued'), 'wait'],
  ] as const;
  const said = parts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  return `of ${rows.length} jobs ${said.join(', ')}`;
}

/** A row of the tree: `branch` stands before its name, `also` are what it waits for besides. */
type TreeRow = DagRow & { readonly branch: string; readonly also: string };

const columns: readonly Column<TreeRow>[] = [
  { title: 'JOB', of: ({ branch, dag }) => `${branch}${dag.job}` },
  { title: 'ID', of: ({ id }) => short(id) },
  { title: 'S', of: ({ state }) => state },
  { title: 'PHASE', of: ({ phase }) => phase },
  { title: 'EXIT', of: exitText, right: true },
  { title: 'TIME', of: timeText, right: true },
  { title: 'ALSO AFTER', of: ({ also }) => also, gives: true },
  { title: 'DETAILS', of: ({ details }) => details.replaceAll('\n', ' '), gives: true },
];

/**
 * A job that waits for several stands below the one that is furthest from the beginning, once; what
 * it waits for of a job that is purged by now is nothing to be shown.
 */
export function treeOf(rows: readonly DagRow[]): readonly TreeRow[] {
  const byName = new Map(rows.map((row) => [row.dag.job, row]));
  const depths = new Map<string, number>();
  const depthOf = (job: string): number => {
    const known = depths.get(job);
    if (known !== undefined) return known;
    const needs = needsOf(byName, job);
    const depth = needs.length === 0 ? 0 : 1 + Math.max(...needs.map((need) => depthOf(need.job)));
    depths.set(job, depth);
    return depth;
  };
  const below = new Map<string, DagRow[]>();
  for (const row of rows) {
    const needs = needsOf(byName, row.dag.job);
    const parent = needs.toSorted((a, b) => depthOf(b.job) - depthOf(a.job))[0]?.job ?? '';
    below.set(parent, [...(below.get(parent) ?? []), row]);
  }
  const lines: TreeRow[] = [];
  const grow = (parent: string, before: string): void => {
    const children = below.get(parent) ?? [];
    for (const [at, row] of children.entries()) {
      const isLast = at === children.length - 1;
      const isRoot = parent === '';
      const branch = isRoot ? '' : `${before}${isLast ? '└─ ' : '├─ '}`;
      const others = needsOf(byName, row.dag.job).filter(({ job }) => job !== parent);
      lines.push({ ...row, branch, also: others.map(needText).join(' ') });
      grow(row.dag.job, isRoot ? '' : `${before}${isLast ? '   ' : '│  '}`);
    }
  };
  grow('', '');
  return lines;
}

type Need = DagPlace['needs'][number];

const needsOf = (byName: ReadonlyMap<string, DagRow>, job: string): readonly Need[] =>
  byName.get(job)?.dag.needs.filter((need) => byName.has(need.job)) ?? [];

const needText = ({ job, when }: Need): string => (when === 'after-ok' ? job : `${job} (${when})`);
