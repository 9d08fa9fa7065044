import { isDeepStrictEqual } from 'node:util';
import type { Client } from '../../src/client/client.ts';
import type { JobRow } from '../../src/protocol/model.ts';
import type { Acked, Histories } from './clients.ts';
import type { Group } from './group.ts';
import { jobsOf } from './lists.ts';
import type { Mark, Marks } from './scripts.ts';
import { until } from './until.ts';

/** What was not kept, in words, by what it means. */
export type Verdict = {
  /** Acknowledged, and not known, not ended as it says, or without all of its log. */
  readonly lost: string[];
  /** Two jobs of one key, or two processes of one job at once. */
  readonly doubled: string[];
  /** A process that ran more than once, or an attempt beyond the first that was begun. */
  readonly disturbed: string[];
  /** An attempt beyond the first though none was begun before: its place was refused to it. */
  readonly recounted: string[];
  /** Whatever else was promised: heads that agree, what is read, what a cancel leads to. */
  readonly wrong: string[];
};

/** How long jobs may take to end once nothing goes wrong any more. */
const END_S = 60;
const AGREE_S = 20;
const READERS = 8;

/** Waits for the end of all jobs, and holds what there is against what was promised. */
export async function judge(group: Group, histories: Histories, marks: Marks): Promise<Verdict> {
  const wrong = [...histories.broken];
  const verdict: Verdict = { lost: [], doubled: [], disturbed: [], recounted: [], wrong };
  const all = group.client();
  const single = group.heads.map((head) => group.client([head]));
  let rows: readonly JobRow[] = [];
  const isOver = async (): Promise<boolean> => {
    rows = await jobsOf(all);
    return rows.every(({ phase }) => phase === 'ended');
  };
  await until(isOver, END_S).catch(() => {});
  await agree(single, rows, verdict);
  const names = new Map<string, JobRow[]>();
  for (const row of rows) names.set(row.name, [...(names.get(row.name) ?? []), row]);
  const known = new Set([
    ...histories.acked.map((each) => each.script.key),
    ...histories.unanswered,
  ]);
  for (const [name, found] of names) {
    if (found.length > 1) verdict.doubled.push(`${name} is ${found.length} jobs`);
    if (!known.has(name)) verdict.wrong.push(`nobody submitted ${name}`);
    else for (const row of found) holdsMarks(row, marks.of(name), verdict);
  }
  for (const row of rows) if (row.attempt > 1) await holdAttempts(row, all, verdict);
  const byId = new Map(rows.map((row) => [row.id, row]));
  for (const acked of histories.acked) holdsRow(acked, byId.get(acked.id), verdict);
  const whole = histories.acked.filter(({ id }) => byId.get(id)?.state === 'F');
  await holdLogs(whole, single, verdict);
  await tellStories(rows, all, verdict);
  return verdict;
}

/** Each head gives the same list, also of what it has itself. */
async function agree(
  single: readonly Client[],
  rows: readonly JobRow[],
  { wrong }: Verdict,
): Promise<void> {
  for (const [at, client] of single.entries())
    for (const stale of [false, true]) {
      const same = async () => isDeepStrictEqual(await jobsOf(client, stale), rows);
      await until(same, AGREE_S).catch((error: Error) => {
        wrong.push(`head ${at + 1} has another list (stale: ${stale}): ${error.message}`);
      });
    }
}

function holdsMarks(
  { name, attempt, run }: JobRow,
  found: readonly Mark[],
  verdict: Verdict,
): void {
  const begins = found.filter(({ what }) => what === 'begin').length;
  const isTwice = found.some(({ what }, at) => what === 'begin' && found[at - 1]?.what === 'begin');
  const story = found.map((mark) => `${mark.what} ${mark.attempt}`).join(', ');
  if (isTwice) verdict.doubled.push(`${name}: ${story}`);
  else if (begins > 1) verdict.disturbed.push(`${name}: ${story}`);
  if (run > 1) verdict.disturbed.push(`${name}: run ${run}`);
  const attempts = new Set(found.map((mark) => mark.attempt));
  if (attempts.size > 0 && !attempts.has(attempt))
    verdict.wrong.push(`${name}: ran as ${story}, and is listed as attempt ${attempt}`);
}

/** Each place that is refused counts an attempt on; what was staged twice was begun twice. */
async function holdAttempts(row: JobRow, client: Client, verdict: Verdict): Promise<void> {
  const { job } = await client.call('job.show', { id: row.id });
  const begun = job.timeline.filter(({ what }) => what === 'staging').length;
  const text = `${row.name}: attempt ${row.attempt}, of which ${begun} were begun`;
  if (begun > 1) verdict.disturbed.push(text);
  else verdict.recounted.push(text);
}

function holdsRow(acked: Acked, row: JobRow | undefined, { lost, wrong }: Verdict): void {
  const { script, id, cancelled, phase } = acked;
  if (row === undefined) return void lost.push(`${script.key} (${id}) is not known`);
  const { state, exitcode, details } = row;
  const is = `${script.key} (${id}) is ${state} ${row.phase}, exit code ${exitcode}: ${details}`;
  if (row.name !== script.key) wrong.push(`${script.key} is called ${row.name}`);
  if (row.phase !== 'ended') return void lost.push(`${is}; it has not ended`);
  const hasHeard = cancelled === 'acknowledged' && phase !== 'releasing' && phase !== 'ended';
  if (hasHeard && state !== 'C') wrong.push(`${is}; its cancel was acknowledged while ${phase}`);
  if (state === 'C' && cancelled === 'no') lost.push(`${is}; nobody cancelled it`);
  if (state === 'F' && exitcode !== script.exitcode)
    lost.push(`${is}; the exit code was ${script.exitcode}`);
  if (state === 'E') lost.push(is);
}

/** The logs of jobs that came to their end, each from one head, byte for byte. */
async function holdLogs(
  jobs: readonly Acked[],
  single: readonly Client[],
  { lost }: Verdict,
): Promise<void> {
  let next = 0;
  const read = async (): Promise<void> => {
    while (next < jobs.length) {
      const at = next++;
      const { id, script } = jobs[at]!;
      const head = at % single.length;
      const log = await logOf(single[head]!, id).catch((error: Error) => `(${error.message})`);
      if (log === script.log) continue;
      const lines = [script.log, log].map((text) => `${text.length} bytes`).join(' became ');
      const seen = await Promise.all(single.map((client) => sightOf(client, id)));
      const text = `its log at head ${head + 1}: ${lines}: ${log.slice(-200)}; heads: ${seen}`;
      lost.push(`${script.key} (${id}): ${text}`);
    }
  };
  await Promise.all(Array.from({ length: READERS }, read));
}

/** What a head knows of a log, and gives of it now. */
async function sightOf(client: Client, id: string): Promise<string> {
  const { job } = await client.call('job.show', { id });
  const log = await logOf(client, id).catch((error: Error) => `(${error.message})`);
  return `${job.stdout?.bytes ?? 'no'} bytes are kept, ${log.length} read`;
}

async function logOf(client: Client, id: string): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const bytes of client.follow(id, { follow: false })) parts.push(bytes);
  return Buffer.concat(parts).toString();
}

const STORIES_MAX = 20;

/** What became of the jobs that did not go as they should, as they tell it themselves. */
async function tellStories(
  rows: readonly JobRow[],
  client: Client,
  verdict: Verdict,
): Promise<void> {
  for (const texts of Object.values(verdict))
    for (const [at, text] of texts.slice(0, STORIES_MAX).entries()) {
      const row = rows.find(
        ({ name }) => text.startsWith(`${name}:`) || text.startsWith(`${name} `),
      );
      if (row === undefined) continue;
      const { job } = await client.call('job.show', { id: row.id });
      const from = job.submittedAt;
      const marks = job.timeline.map((mark) => JSON.stringify({ ...mark, at: mark.at - from }));
      texts[at] = `${text}\n  at ${new Date(from).toISOString()}: ${marks.join(' ')}`;
    }
}
