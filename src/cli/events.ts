import type { Client } from '../client/client.ts';
import type { JobRow } from '../protocol/model.ts';
import type { ClusterRow, NodeRow } from '../protocol/terminal-shapes.ts';
import type { Watched, WatchRow } from '../protocol/watch-row.ts';
import { exits, Usage } from './exits.ts';
import { harmless, type Screen } from './screen.ts';
import { type Call, textOf } from './verb.ts';
import { instant, short } from './words.ts';

/** Follows what changes, of one job or of all that there is. */
export async function run({ args, options, screen, client }: Call): Promise<number> {
  const [given] = args;
  const since = textOf(options, 'since');
  if (given === undefined && since !== undefined)
    throw new Usage('swm: --since: only of one job it is kept what became of it; name it');
  const open = await client();
  if (given === undefined) await all(open, screen);
  else await ofJob(open, screen, given, since && (await spanOf(since)));
  return exits.good;
}

/** Never ends. */
async function all(client: Client, screen: Screen): Promise<void> {
  const kinds = ['jobs', 'nodes', 'clusters'] as const;
  await Promise.all(
    kinds.map(async (what) => {
      let isWhole = false;
      for await (const row of client.watch(what)) {
        if (row.key === '') isWhole = true;
        else if (isWhole) tell(screen, what, row);
      }
    }),
  );
}

async function ofJob(
  client: Client,
  screen: Screen,
  given: string,
  since: number | '' | undefined,
): Promise<void> {
  const { job } = await client.call('job.show', { id: given });
  const from = since === 0 ? 0 : Date.now() - (since || 0);
  for (const { at, what } of since === undefined ? [] : job.timeline)
    if (at >= from) print(screen, at, { id: job.id, what }, `job ${short(job.id)}  ${what}`);
  let last = '';
  for await (const row of client.watch('jobs', { id: job.id })) {
    if (row.key === '') continue;
    const text = wordsOf('jobs', row);
    if (text !== last) tell(screen, 'jobs', row);
    last = text;
    if (row.row === null || (row.row as JobRow).phase === 'ended') return;
  }
}

/** Of a span as job scripts have them, so many ms. */
async function spanOf(text: string): Promise<number> {
  if (text === '0') return 0;
  const { parseDuration } = await import('../protocol/jobscript/quantities.ts');
  const ms = parseDuration(text);
  if (typeof ms === 'number') return ms;
  throw new Usage(`swm: --since: ${text} is no span of time, such as 10m`);
}

const tell = (screen: Screen, what: Watched, row: WatchRow): void =>
  print(screen, Date.now(), { what, ...row }, wordsOf(what, row));

/** A line for people, or as JSON. */
function print(screen: Screen, at: number, event: object, text: string): void {
  if (screen.json) screen.printJson({ at, ...event });
  else screen.print(`${screen.paint('dim', instant(at))}  ${harmless(text)}`);
}

function wordsOf(what: Watched, { key, row }: WatchRow): string {
  const name = `${what.slice(0, -1)} ${what === 'jobs' ? short(key) : key}`;
  if (row === null) return `${name}  is no more`;
  const { phase, details = '' } = row as JobRow | ClusterRow | (NodeRow & { details?: string });
  return `${name}  ${phase}${details === '' ? '' : `: ${details}`}`;
}
