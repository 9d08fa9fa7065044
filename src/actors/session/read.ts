import { Failed } from '../../protocol/errors.ts';
import type { HeadRow } from '../../protocol/head-shapes.ts';
import { limits } from '../../protocol/limits.ts';
import type { Body, Message, Name, Reply } from '../../protocol/messages.ts';
import type { JobRow } from '../../protocol/model.ts';
import type { ClusterRow, NodeRow, RemoteRow } from '../../protocol/terminal-shapes.ts';
import type { Who } from '../../protocol/who.ts';
import type { Keeping } from '../../runtime/family.ts';
import type { Millis, Records } from '../../runtime/ports.ts';
import { find, load } from '../../runtime/record.ts';
import type { Budgets } from '../account/account.ts';
import { isArray } from '../array/array.ts';
import { waitsBy } from '../array/view.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { isKept } from '../cluster/keep.ts';
import { CLUSTERS, keeping as clusterKeeping } from '../cluster/keeping.ts';
import { isAwaiting } from '../job/dependencies.ts';
import { type Job, may } from '../job/job.ts';
import { keeping as jobKeeping } from '../job/keeping.ts';
import { row, view } from '../job/view.ts';
import { closedSince } from '../node/evicted.ts';
import { NODES, keeping as nodeKeeping } from '../node/keeping.ts';
import type { NodeRecord } from '../node/node.ts';
import { priceOf, rateOf } from '../price.ts';
import { accountRows } from './accounts.ts';
import { type IsAdmin, refuseUnseen, withoutFiles } from './admins.ts';
import { withTasks } from './arrays.ts';
import { whyJobAwaits } from './dependencies.ts';
import { type Desk, readEntries } from './entries.ts';
import { whenOf, whyOf } from './foresight.ts';
import { accountPage, jobPage } from './job-page.ts';
import { scheduleRows } from './schedules.ts';
import { secretRows } from './secrets.ts';
import { usagePage } from './usage.ts';
import { type People, readPeople } from './users.ts';

/** What reading needs besides the records. */
export type Reading = Desk & {
  readonly reasons: (ids: readonly string[]) => Promise<Readonly<Record<string, string>>>;
  /** What is to come of a job that waits, or would. */
  readonly foresee: (body: Body<'scheduler.foresee'>) => Promise<Reply<'scheduler.foresee'>>;
  readonly offers: () => Promise<Reply<'scheduler.offers'>>;
  readonly remotes: readonly RemoteRow[];
  readonly now: () => Millis;
  /** When the newest of what is applied here was decided. */
  readonly appliedAt: () => Millis;
  readonly heads: () => readonly HeadRow[];
  readonly backup: () => Promise<Reply<'head.backup'>>;
  readonly status: () => Reply<'node.status'>;
  readonly people: People;
  /** What accounts may cost, by their names. */
  readonly budgets?: Budgets;
  readonly isAdmin: IsAdmin;
  /** A script that was kept as a blob. */
  readonly readBlob: (sha256: string) => Promise<Uint8Array>;
};

/** Answers what a terminal asks about, from the committed records. */
export async function read(from: Reading, user: Who, asked: Message): Promise<object> {
  const isStale = 'stale' in asked.body && asked.body.stale === true;
  const asOf = isStale ? from.appliedAt() : from.now();
  if (!isStale) await from.current();
  const answer = await found(from, user, asked);
  return dated.includes(asked.name) ? { ...answer, asOf } : answer;
}

/** Answers that say as of when they are. */
const dated: readonly Name[] = ['job.list', 'job.show', 'node.list', 'cluster.list', 'usage.list'];

async function found(from: Reading, user: Who, asked: Message): Promise<object> {
  switch (asked.name) {
    case 'job.list':
      return jobs(from, user, asked.body);
    case 'usage.list':
      return usagePage(from.store, user, asked.body, from.now());
    case 'account.list': {
      const accounts = accountRows(from.store, from.budgets ?? new Map(), from.now());
      return { accounts } satisfies Reply<'account.list'>;
    }
    case 'job.show':
      return { job: await show(from, user, asked.body) } satisfies Reply<'job.show'>;
    case 'job.why':
      return whyOf(from, seenJob(from, user, asked.body.id));
    case 'job.when':
      return whenOf(from, seenJob(from, user, asked.body.id));
    case 'node.list':
      return { nodes: nodeRows(from.store) } satisfies Reply<'node.list'>;
    case 'cluster.list':
      return { clusters: clusterRows(from.store, from.now()) } satisfies Reply<'cluster.list'>;
    case 'flavor.list':
      return { flavors: (await from.offers()).flavors } satisfies Reply<'flavor.list'>;
    case 'image.list':
      return { images: (await from.offers()).images } satisfies Reply<'image.list'>;
    case 'remote.list':
      return { remotes: [...from.remotes] } satisfies Reply<'remote.list'>;
    case 'secret.list':
      return { secrets: secretRows(from.store, user) } satisfies Reply<'secret.list'>;
    case 'schedule.list':
      return { schedules: scheduleRows(from.store, user) } satisfies Reply<'schedule.list'>;
    case 'head.backup':
      return from.backup();
    case 'head.list':
      return { heads: [...from.heads()] } satisfies Reply<'head.list'>;
    case 'node.status':
      return from.status();
    case 'user.show':
      return { id: user.id, operator: user.door === 'operator' } satisfies Reply<'user.show'>;
    default:
      return (
        (await readPeople(from.people, user, asked)) ?? readEntries(from, asked) ?? cannot(asked)
      );
  }
}

const cannot = ({ name }: Message): never => {
  throw new Failed('refused', `${name} cannot be read`);
};

const get = <S>(store: Records, keeping: Keeping<S>, path: string): S | undefined =>
  load(store, keeping, path)?.state;

/** All states found under an index prefix, page by page. */
function all<S>(store: Records, keeping: Keeping<S>, prefix: string): readonly S[] {
  const states: S[] = [];
  let after = '';
  do {
    const page = find(store, prefix, limits.pageMax, after);
    for (const path of page.paths) {
      const state = get(store, keeping, path);
      if (state !== undefined) states.push(state);
    }
    after = page.next;
  } while (after !== '');
  return states;
}

async function jobs(from: Reading, user: Who, asked: Body<'job.list'>): Promise<Reply<'job.list'>> {
  const { account = '' } = asked;
  const ofAccount = user.door === 'terminal' && from.isAdmin(user.id, account);
  const { jobs: found, next } = ofAccount
    ? accountPage(from.store, account, asked)
    : jobPage(from.store, user, asked);
  const reasons = await reasonsOf(from, found);
  const rows = found.map((job): JobRow => row(job, reasons[job.id]));
  return { jobs: rows.filter((job) => fits(job, asked)), next };
}

/** Why jobs wait: what the scheduler says of those that it knows, and for which jobs others do. */
async function reasonsOf(
  from: Reading,
  jobs: readonly Job[],
): Promise<Readonly<Record<string, string>>> {
  const queued = jobs.filter(({ phase }) => phase === 'queued');
  const awaiting = queued.filter(isAwaiting).map((job) => [job.id, whyJobAwaits(from.store, job)]);
  const known = queued.filter((job) => !isAwaiting(job)).map(({ id }) => id);
  const told = known.length > 0 ? await from.reasons(known) : {};
  return { ...told, ...Object.fromEntries(awaiting) };
}

function fits(row: JobRow, { states = '', name = '', account = '' }: Body<'job.list'>): boolean {
  return (
    (states === '' || states.includes(row.state)) &&
    (name === '' || row.name === name) &&
    (account === '' || row.account === account)
  );
}

/** A job that somebody may see. */
function seenJob({ store, isAdmin }: Reading, user: Who, id: string): Job {
  const job = get<Job>(store, jobKeeping, `/jobs/${id}`);
  if (job?.remains !== 'all') throw new Failed('not_found', `no job ${id}`);
  refuseUnseen(isAdmin, job, user);
  return job;
}

async function show(
  from: Reading,
  user: Who,
  { id, tasks }: Body<'job.show'>,
): Promise<ReturnType<typeof view>> {
  const job = seenJob(from, user, id);
  const seen = view(job, from.now(), await reasonOf(from, job));
  const whole = withTasks(from.store, job, seen, tasks);
  const shown = may(job, user) ? whole : withoutFiles(whole);
  if (job.scriptBlob === null) return shown;
  const script = new TextDecoder().decode(await from.readBlob(job.scriptBlob.sha256));
  return { ...shown, script };
}

/** An array waits for what the first of its shifts does. */
async function reasonOf(from: Reading, job: Job): Promise<string | undefined> {
  if (!isArray(job) || job.phase === 'queued') return (await reasonsOf(from, [job]))[job.id];
  const shift = waitsBy(job);
  return shift === undefined ? undefined : (await from.reasons([shift]))[shift];
}

/** `now`: with what it has cost by then. */
export function clusterRow(c: Cluster, now?: Millis): ClusterRow {
  const rate = rateOf({ made: c.made, nodes: c.members.map((m) => m.name) });
  return {
    name: c.name,
    phase: c.phase,
    details: c.detail,
    remote: c.made?.remote ?? '',
    flavor: c.made?.flavor ?? '',
    nodes: c.members.map((m) => m.name),
    jobs: c.holds.map((h) => h.job),
    since: c.since,
    price: rate.perHour,
    createdAt: c.createdAt,
    ...(isKept(c) && { keptUntil: c.keptUntil }),
    ...(now !== undefined && { cost: priceOf(rate, now - c.createdAt) }),
  };
}

/** Clusters that were made, and are not gone; nodes that we were given are in no such list. */
export const clusterRows = (store: Records, now?: Millis): ClusterRow[] =>
  all(store, clusterKeeping, CLUSTERS)
    .filter((c) => c.made !== null)
    .map((c) => clusterRow(c, now));

export function nodeRow(n: NodeRecord, jobsOf: readonly string[]): NodeRow {
  const { name, role, cluster, address, phase, since, resources } = n;
  const drained = closedSince(n);
  const row = { name, role, cluster, address, phase, since, resources, jobs: [...jobsOf] };
  return drained === undefined ? row : { ...row, drained };
}

function nodeRows(store: Records): NodeRow[] {
  const clusters = all(store, clusterKeeping, CLUSTERS);
  const jobsOn = (node: string): string[] =>
    clusters.flatMap((c) => c.holds.filter((h) => h.nodes.includes(node)).map((h) => h.job));
  return all(store, nodeKeeping, NODES).map((n) => nodeRow(n, jobsOn(n.name)));
}
