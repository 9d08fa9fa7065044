import type { Client } from '../client/client.ts';
import type { Body } from '../protocol/messages.ts';
import type { UsageRow } from '../protocol/terminal-shapes.ts';
import { exits, Usage } from './exits.ts';
import { printRows } from './lists.ts';
import { type Call, textOf } from './verb.ts';

/** Sums up what jobs used: of the jobs that are kept. */
export async function run({ options, screen, client }: Call): Promise<number> {
  const by = textOf(options, 'by') ?? 'user';
  if (by !== 'user' && by !== 'account')
    throw new Usage(`swm: --by: ${by} is neither user nor account`);
  const rows = await summed(await client(), { by, ...monthOf(textOf(options, 'month')) });
  printRows(screen, rows, [
    { title: by.toUpperCase(), of: ({ name }) => name || '-', gives: true },
    { title: 'JOBS', of: ({ jobs }) => String(jobs), right: true },
    { title: 'CORE-HOURS', of: ({ coreMs }) => (coreMs / HOUR_MS).toFixed(2), right: true },
    { title: 'COST', of: ({ cost }) => cost.toFixed(2), right: true },
  ]);
  if (!screen.json) screen.note('Jobs count as long as they are kept.');
  return exits.good;
}

const HOUR_MS = 3_600_000;

/** From its first instant to that of the next one, as UTC has it. */
function monthOf(text: string | undefined): { readonly since?: number; readonly until?: number } {
  if (text === undefined) return {};
  const [, year, month] = /^(\d{4})-(0[1-9]|1[0-2])$/.exec(text) ?? [];
  if (year === undefined) throw new Usage(`swm: --month: ${text} is no month such as 2026-11`);
  const at = (more: number): number => Math.max(0, Date.UTC(+year, +month! - 1 + more));
  return { since: at(0), until: at(1) };
}

/** Page by page, whatever has one name added up. */
async function summed(client: Client, asked: Body<'usage.list'>): Promise<readonly UsageRow[]> {
  const rows = new Map<string, UsageRow>();
  for (let after = ''; ; ) {
    const page = await client.call('usage.list', { ...asked, after });
    for (const row of page.rows) rows.set(row.name, sum(rows.get(row.name), row));
    if (page.next === '') break;
    after = page.next;
  }
  return [...rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

const sum = (a: UsageRow | undefined, b: UsageRow): UsageRow =>
  a === undefined
    ? b
    : { name: b.name, jobs: a.jobs + b.jobs, coreMs: a.coreMs + b.coreMs, cost: a.cost + b.cost };
