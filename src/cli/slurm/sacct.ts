import type { JobRow } from '../../protocol/model.ts';
import { exits, Usage } from '../exits.ts';
import { harmless } from '../screen.ts';
import type { Call } from '../verb.ts';
import { askedOf, listIn, noMore } from './asked.ts';
import { type Field, fitted } from './format.ts';
import { choices, chosen, idOf } from './rows.ts';
import { clock, coresOf, elapsed, moment, nodesOf, partitionOf, stateOf } from './states.ts';
import { whenOf } from './when.ts';

const USUAL = 'JobID,JobName,Partition,Account,AllocCPUS,State,ExitCode';
const WIDTH = 10;

const { user, account } = choices;
const options = {
  user,
  account,
  partition: { takes: 'value', short: 'r' },
  name: { takes: 'value' },
  me: { takes: 'nothing' },
  jobs: { takes: 'value', short: 'j' },
  state: { takes: 'value', short: 's' },
  format: { takes: 'value', short: 'o' },
  noheader: { takes: 'nothing', short: 'n' },
  parsable: { takes: 'nothing', short: 'p' },
  parsable2: { takes: 'nothing', short: 'P' },
  starttime: { takes: 'value', short: 'S' },
  endtime: { takes: 'value', short: 'E' },
  allusers: { takes: 'nothing', short: 'a' },
  allocations: { takes: 'nothing', short: 'X' },
} as const;

/** Lists jobs that are kept, also those that are over: of today unless told otherwise. */
export async function run(call: Call, words: readonly string[]): Promise<number> {
  const now = Date.now();
  const asked = askedOf('sacct', options, words);
  noMore('sacct', asked);
  const columns = columnsOf(asked.of('format') ?? USUAL, fields(now));
  const ids = asked.list('jobs');
  const isOwn = ids.length === 0 && !asked.has('allusers') && !asked.has('user');
  const has: typeof asked.has = (name) => (name === 'me' && isOwn) || asked.has(name);
  const wanted = { ids, states: asked.list('state') };
  const jobs = await chosen(await call.client(), 'sacct', { list: asked.list, has }, wanted);
  const since = asked.of('starttime') ?? (ids.length > 0 ? undefined : 'midnight');
  const from = since === undefined ? 0 : whenOf('sacct', since, now);
  const until = whenOf('sacct', asked.of('endtime') ?? 'now', now);
  const shown = jobs.filter(
    ({ submittedAt, endedAt }) => submittedAt <= until && (endedAt === 0 || endedAt >= from),
  );
  const bar = asked.has('parsable2') ? '|' : asked.has('parsable') ? '||' : '';
  for (const line of table(columns, shown, !asked.has('noheader'), bar)) call.screen.print(line);
  return exits.good;
}

type Column = Field<JobRow> & { readonly width: number; readonly right: boolean };

/** A line for each job. `bar` parts values; where it is double it ends lines too. */
function table(
  columns: readonly Column[],
  jobs: readonly JobRow[],
  header: boolean,
  bar: string,
): readonly string[] {
  const line = (text: (column: Column) => string): string =>
    bar === ''
      ? columns.map((column) => fitted(harmless(text(column)), column)).join(' ')
      : columns.map((column) => harmless(text(column))).join('|') + bar.slice(1);
  const titles = [line(({ title }) => title)];
  if (bar === '') titles.push(line(({ width }) => '-'.repeat(width)));
  return [...(header ? titles : []), ...jobs.map((job) => line(({ of }) => of(job)))];
}

/** `NAME` or `NAME%WIDTH` each; a width below zero is to the left. */
function columnsOf(format: string, known: Readonly<Record<string, Field<JobRow>>>) {
  return listIn(format).map((text): Column => {
    const [, name = '', width] = /^(\w+)(?:%(-?\d{1,4}))?$/.exec(text) ?? [];
    const field = known[name.toLowerCase()];
    if (field === undefined || !Object.hasOwn(known, name.toLowerCase())) {
      const all = Object.values(known).map(({ title }) => title);
      throw new Usage(`sacct: ${text} is no field; there are ${all.join(', ')}`);
    }
    const wide = Number(width ?? WIDTH);
    return { ...field, width: Math.abs(wide), right: wide > 0 };
  });
}

function fields(now: number): Readonly<Record<string, Field<JobRow>>> {
  const all: readonly (readonly [title: string, of: (job: JobRow) => string])[] = [
    ['JobID', idOf],
    ['JobIDRaw', ({ id }) => id],
    ['JobName', ({ name }) => name],
    ['User', ({ owner }) => owner],
    ['Partition', partitionOf],
    ['Account', ({ account: charged }) => charged],
    ['AllocCPUS', (job) => (job.resources === undefined ? '0' : String(coresOf(job)))],
    ['ReqCPUS', ({ request }) => String(Math.max(1, request?.cpus ?? 1) * (request?.nodes ?? 1))],
    ['NCPUS', (job) => String(coresOf(job))],
    ['ReqMem', ({ request }) => `${Math.round((request?.memoryBytes ?? 0) / (1 << 20))}M`],
    ['AllocNodes', ({ nodes }) => String(nodes.length)],
    ['NNodes', (job) => String(nodesOf(job))],
    ['NodeList', ({ nodes }) => nodes.join(',') || 'None assigned'],
    ['State', stateOf],
    ['ExitCode', ({ exitcode, signal }) => `${exitcode}:${signal}`],
    ['Submit', ({ submittedAt }) => moment(submittedAt)],
    ['Start', ({ startedAt }) => moment(startedAt)],
    ['End', ({ endedAt }) => moment(endedAt)],
    ['Elapsed', (job) => clock(elapsed(job, now))],
    ['ElapsedRaw', (job) => String(Math.floor(elapsed(job, now) / 1000))],
    ['CPUTime', (job) => clock(elapsed(job, now) * coresOf(job))],
    ['CPUTimeRAW', (job) => String(Math.floor((elapsed(job, now) * coresOf(job)) / 1000))],
    ['Timelimit', ({ request }) => limitText(request?.walltimeMs ?? 0)],
    ['Priority', ({ request }) => String(request?.priority ?? 0)],
    ['Comment', ({ comment }) => comment],
  ];
  return Object.fromEntries(all.map(([title, of]) => [title.toLowerCase(), { title, of }]));
}

const limitText = (ms: number): string => (ms === 0 ? 'UNLIMITED' : clock(ms));
