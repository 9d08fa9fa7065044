import type { Client } from '../client/client.ts';
import type { JobRow } from '../protocol/model.ts';
import type { ClusterRow, NodeRow } from '../protocol/terminal-shapes.ts';
import type { Watched } from '../protocol/watch-row.ts';
import { exits } from './exits.ts';
import { harmless, type Screen } from './screen.ts';
import { linesOf, type Picture, RATE_MS, sumsOf } from './top-view.ts';
import { type Call, isOn } from './verb.ts';

/** Shows nodes, jobs and rates as they are, until it is told to end; or once. */
export async function run({ options, screen, client }: Call): Promise<number> {
  const open = await client();
  const seen = look(open);
  const isOnce = isOn(options, 'once') || screen.json || !screen.isTerminal;
  try {
    await Promise.race([seen.whole, seen.broken]);
    if (!isOnce) await Promise.race([live(seen.picture), seen.broken]);
    else if (screen.json) screen.printJson(sumsOf(seen.picture(), Date.now()));
    else once(screen, seen.picture());
  } finally {
    seen.end();
  }
  return exits.good;
}

function once(screen: Screen, picture: Picture): void {
  const columns = screen.isTerminal ? screen.columns : Number.MAX_SAFE_INTEGER;
  const size = { columns, rows: Number.MAX_SAFE_INTEGER };
  for (const line of linesOf(picture, Date.now(), size)) screen.print(harmless(line));
}

type Seen = {
  readonly picture: () => Picture;
  /** Resolves once all was heard that there is. */
  readonly whole: Promise<unknown>;
  /** Rejects when nothing more will be heard. */
  readonly broken: Promise<never>;
  readonly end: () => void;
};

/** Who answers, and who leads, is asked as often. */
const STATUS_MS = 2_000;

/** Hears of all that there is, and then of what changes. */
function look(client: Client): Seen {
  let head = { node: '', leader: '', trouble: [] as readonly string[] };
  const jobs = new Map<string, JobRow>();
  const nodes = new Map<string, NodeRow>();
  const clusters = new Map<string, ClusterRow>();
  const submitted = new Map<string, number>();
  const ended = new Map<string, number>();
  const ask = async (): Promise<void> => {
    const { node, leader = '', trouble } = await client.call('node.status', {});
    head = { node, leader, trouble };
  };
  const hear = async (
    what: Watched,
    put: (key: string, row: object | null) => void,
    whole: () => void,
  ): Promise<never> => {
    for await (const { key, row } of client.watch(what))
      if (key === '') whole();
      else put(key, row);
    throw new Error(`the watch of ${what} ended`);
  };
  const into =
    <R>(all: Map<string, R>) =>
    (key: string, row: object | null): void =>
      void (row === null ? all.delete(key) : all.set(key, row as R));
  const job = (id: string, row: object | null): void => {
    const { phase, submittedAt = 0, endedAt = 0 } = (row ?? {}) as Partial<JobRow>;
    const since = Date.now() - RATE_MS;
    if (submittedAt > since) submitted.set(id, submittedAt);
    if (endedAt > since) ended.set(id, endedAt);
    into(jobs)(id, phase === 'ended' ? null : row);
  };
  const puts = { jobs: job, nodes: into(nodes), clusters: into(clusters) };
  const broken: Promise<never>[] = [];
  const wholes = (Object.keys(puts) as Watched[]).map(
    (what) => new Promise<void>((whole) => broken.push(hear(what, puts[what], whole))),
  );
  const asking = setInterval(() => void ask().catch(() => {}), STATUS_MS);
  return {
    picture() {
      for (const recent of [submitted, ended])
        for (const [id, at] of recent) if (at <= Date.now() - RATE_MS) recent.delete(id);
      return { ...head, jobs, nodes, clusters, submitted, ended };
    },
    whole: Promise.all([ask(), ...wholes]),
    broken: Promise.race(broken),
    end: () => clearInterval(asking),
  };
}

/** Not more often than anybody reads it. */
const DRAW_MS = 1_000;
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';

/** The terminal is as it was before, however this ends. */
async function live(picture: () => Picture): Promise<void> {
  const { stdin, stdout } = process;
  const draw = (): void => {
    const size = { columns: stdout.columns || 80, rows: stdout.rows || 24 };
    const lines = linesOf(picture(), Date.now(), size);
    stdout.write(`\x1b[H${lines.map((line) => `${harmless(line)}\x1b[K`).join('\r\n')}\x1b[J`);
  };
  const leave = (): void => {
    if (stdin.isTTY === true) stdin.setRawMode(false);
    stdout.write(LEAVE);
  };
  process.once('exit', leave);
  stdout.write(ENTER);
  if (stdin.isTTY === true) stdin.setRawMode(true);
  stdout.on('resize', draw);
  const drawing = setInterval(draw, DRAW_MS);
  draw();
  try {
    await untilQuit(stdin);
  } finally {
    clearInterval(drawing);
    stdout.off('resize', draw);
    process.off('exit', leave);
    leave();
    stdin.destroy();
  }
}

/** Ends by q, and by what would interrupt it; also when nobody can type any more. */
const untilQuit = (stdin: NodeJS.ReadStream): Promise<void> =>
  new Promise((resolve) => {
    stdin.on('data', (bytes: Buffer) => {
      if (/[qQ\x03\x04]/.test(bytes.toString('latin1'))) resolve();
    });
    stdin.once('end', resolve);
    stdin.once('error', () => resolve());
  });
