import type { Client } from '../client/client.ts';
import type { WatchOptions } from '../client/watch.ts';
import { limits } from '../protocol/limits.ts';
import type { JobRow } from '../protocol/model.ts';
import { exits, Usage } from './exits.ts';
import { printRows } from './lists.ts';
import type { Screen } from './screen.ts';
import type { Column } from './table.ts';
import { type Call, isOn, textOf } from './verb.ts';
import { instant, short, span } from './words.ts';

const LETTERS = 'QWTRFEC';

/** Lists jobs, the oldest first. */
export async function run({ options, screen, client }: Call): Promise<number> {
  const states = (textOf(options, 'state') ?? '').toUpperCase();
  const odd = [...states].find((letter) => !LETTERS.includes(letter));
  if (odd !== undefined)
    throw new Usage(`swm: --state: ${odd} is none of ${[...LETTERS].join(' ')}`);
  const limit = countOf(textOf(options, 'limit'), 'limit');
  const name = textOf(options, 'name') ?? '';
  const account = textOf(options, 'account') ?? '';
  const stale = options['stale'] === true;
  const open = await client();
  const isWatch = isOn(options, 'watch');
  const show = async (): Promise<void> => {
    const { rows, asOf } = await allJobs(open, { states, name, account, stale });
    if (isWatch && screen.isTerminal && !screen.json) await screen.write(CLEAR);
    if (stale && asOf !== undefined && !screen.json) screen.note(`as of ${instant(asOf)}`);
    const most = limit ?? (isWatch && screen.isTerminal ? linesOf() : rows.length);
    printRows(screen, most === 0 ? [] : rows.slice(-most), columns, painted(screen));
  };
  if (isWatch) await wheneverOneChanges(open, show, { account });
  else await show();
  return exits.good;
}

/** Empties a terminal. */
export const CLEAR = new TextEncoder().encode('\x1b[H\x1b[2J');
/** How many rows of a table are seen at once. */
const linesOf = (): number => Math.max(1, (process.stdout.rows || 24) - 2);

/** Lists are not made anew more often than anybody reads them. */
const WATCH_MS = 250;

/** Now, and again after changes, without end. */
export async function wheneverOneChanges(
  client: Client,
  show: () => Promise<void>,
  of: WatchOptions = {},
): Promise<void> {
  let isDue = true;
  let wake = (): void => {};
  const hear = async (): Promise<void> => {
    let isWhole = false;
    for await (const { key } of client.watch('jobs', of)) {
      if (isWhole) isDue = true;
      if (isDue) wake();
      isWhole ||= key === '';
    }
  };
  const tell = async (): Promise<void> => {
    for (;;) {
      if (!isDue)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      isDue = false;
      await show();
      await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
    }
  };
  await Promise.race([hear(), tell()]);
}

type Wanted = {
  readonly states: string;
  readonly name: string;
  readonly account?: string;
  readonly stale: boolean;
};

/** All of a list, page by page, the oldest first. */
export async function allJobs(
  client: Client,
  wanted: Wanted,
): Promise<{ readonly rows: readonly JobRow[]; readonly asOf: number | undefined }> {
  const rows: JobRow[] = [];
  for (let after = ''; ; ) {
    const page = await client.call('job.list', { limit: limits.pageMax, after, ...wanted });
    rows.push(...page.jobs);
    if (page.next === '') return { rows, asOf: page.asOf };
    after = page.next;
  }
}

export function countOf(text: string | undefined, flag: string): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new Usage(`swm: --${flag}: ${text} is no whole number`);
  return Number(text);
}

const columns: readonly Column<JobRow>[] = [
  { title: 'ID', of: (job) => short(job.id) },
  { title: 'NAME', of: (job) => job.name, gives: true },
  { title: 'S', of: (job) => job.state },
  { title: 'PHASE', of: (job) => job.phase },
  { title: 'EXIT', of: exitText, right: true },
  { title: 'SUBMITTED', of: (job) => instant(job.submittedAt) },
  { title: 'TIME', of: timeText, right: true },
  { title: 'WHERE', of: (job) => job.nodes.join(',') || job.cluster, gives: true },
  { title: 'DETAILS', of: (job) => job.details.replaceAll('\n', ' '), gives: true },
];

/** As a shell would say it; nothing before there is one. */
export function exitText(job: JobRow): string {
  if (job.signal !== 0) return `sig ${job.signal}`;
  return 'FEC'.includes(job.state) ? String(job.exitcode) : '';
}

export function timeText(job: JobRow): string {
  if (job.startedAt === 0) return '';
  return span((job.endedAt === 0 ? Date.now() : job.endedAt) - job.startedAt);
}

const STATE = 2;

/** Good, bad and busy are seen at a glance. */
export const painted =
  (screen: Screen) =>
  (cell: string, column: number, row: JobRow | undefined): string => {
    if (row === undefined) return screen.paint('dim', cell);
    if (column !== STATE) return cell;
    if (row.state === 'F') return screen.paint(row.exitcode === 0 ? 'green' : 'yellow', cell);
    if (row.state === 'E') return screen.paint('red', cell);
    return row.state === 'R' ? screen.paint('blue', cell) : cell;
  };
