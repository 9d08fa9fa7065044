import type { JobRow } from '../protocol/model.ts';
import type { ClusterRow, NodeRow } from '../protocol/terminal-shapes.ts';
import { type Column, cut, table } from './table.ts';
import { amount, instant, resources, short, span } from './words.ts';

/** What is there now, as it was heard so far. Jobs that have ended are not kept here. */
export type Picture = {
  /** Who answers, and who leads as far as that one knows. */
  readonly node: string;
  readonly leader: string;
  readonly trouble: readonly string[];
  readonly jobs: ReadonlyMap<string, JobRow>;
  readonly nodes: ReadonlyMap<string, NodeRow>;
  readonly clusters: ReadonlyMap<string, ClusterRow>;
  /** When jobs were submitted, and ended, in the last moments, by their ids. */
  readonly submitted: ReadonlyMap<string, number>;
  readonly ended: ReadonlyMap<string, number>;
};

/** Over how long rates are counted, ms. */
export const RATE_MS = 60_000;

/** The picture in numbers. */
export type Sums = {
  readonly node: string;
  readonly leader: string;
  readonly trouble: readonly string[];
  readonly jobs: {
    readonly waiting: number;
    readonly running: number;
    readonly ending: number;
    /** In the last minute. */
    readonly submitted: number;
    readonly ended: number;
  };
  readonly nodes: { readonly up: number; readonly silent: number; readonly drained: number };
  /** Of nodes that are up; what jobs hold that run. */
  readonly cpus: { readonly all: number; readonly held: number };
  readonly clusters: number;
  readonly pricePerHour: number;
};

export function sumsOf(picture: Picture, now: number): Sums {
  const jobs = [...picture.jobs.values()];
  const nodes = [...picture.nodes.values()];
  const clusters = [...picture.clusters.values()].filter(({ phase }) => phase !== 'gone');
  const up = nodes.filter(({ phase }) => phase === 'up');
  const recent = (all: ReadonlyMap<string, number>): number =>
    [...all.values()].filter((at) => at > now - RATE_MS).length;
  const { node, leader, trouble, submitted, ended } = picture;
  return {
    node,
    leader,
    trouble,
    jobs: {
      waiting: jobs.filter(isWaiting).length,
      running: jobs.filter(isRunning).length,
      ending: jobs.filter((job) => !isWaiting(job) && !isRunning(job)).length,
      submitted: recent(submitted),
      ended: recent(ended),
    },
    nodes: {
      up: up.length,
      silent: nodes.filter(({ phase }) => phase === 'silent').length,
      drained: nodes.filter(({ drained }) => drained).length,
    },
    cpus: {
      all: up.reduce((sum, { resources: { cpus } }) => sum + cpus, 0),
      held: jobs.filter(isRunning).reduce((sum, job) => sum + cpusOf(job), 0),
    },
    clusters: clusters.length,
    pricePerHour: clusters.reduce((sum, { price }) => sum + price, 0),
  };
}

const cpusOf = ({ resources: of, nodes }: JobRow): number => (of?.cpus ?? 0) * nodes.length;

const isRunning = ({ phase }: JobRow): boolean => phase === 'running';
const isWaiting = ({ phase }: JobRow): boolean =>
  phase !== 'running' && phase !== 'collecting' && phase !== 'releasing';

type Size = { readonly columns: number; readonly rows: number };

/** The picture as lines of a terminal of that size, or as many as it takes where there is none. */
export function linesOf(picture: Picture, now: number, size: Size): readonly string[] {
  const sums = sumsOf(picture, now);
  const head = headOf(sums, now).map((line) => cut(line, size.columns));
  const nodes = [...picture.nodes.values()].toSorted(byTrouble);
  const jobs = [...picture.jobs.values()].toSorted(byPhase);
  // Titles and a line between take four; what nodes leave of their half is for jobs.
  const room = Math.max(2, size.rows - head.length - 4);
  const forNodes = Math.min(nodes.length, Math.max(Math.floor(room / 2), room - jobs.length));
  const lines = [
    ...head,
    '',
    ...table(nodeColumns, nodes.slice(0, forNodes), size.columns),
    '',
    ...table(jobColumns(now), jobs.slice(0, Math.max(0, room - forNodes)), size.columns),
  ];
  return lines.slice(0, size.rows);
}

function headOf(sums: Sums, now: number): readonly string[] {
  const { jobs, nodes, cpus, clusters, pricePerHour } = sums;
  const price = pricePerHour > 0 ? `, ${amount(pricePerHour)} an hour` : '';
  return [
    `swm on ${sums.node}, led by ${sums.leader || 'nobody'}  ${instant(now)}`,
    `jobs   ${jobs.running} running, ${jobs.waiting} waiting, ${jobs.ending} ending; ` +
      `in a minute ${jobs.submitted} submitted, ${jobs.ended} ended`,
    `nodes  ${nodes.up} up, ${nodes.silent} silent, ${nodes.drained} drained; ` +
      `${cpus.held} of ${cpus.all} cpus held; clusters ${clusters}${price}`,
    ...sums.trouble.map((text) => `trouble: ${text}`),
  ];
}

/** Who wants to be looked at comes first. */
const byTrouble = (a: NodeRow, b: NodeRow): number =>
  Number(a.phase === 'up') - Number(b.phase === 'up') ||
  b.jobs.length - a.jobs.length ||
  (a.name < b.name ? -1 : 1);

/** What runs first, the oldest above. */
const byPhase = (a: JobRow, b: JobRow): number =>
  Number(isRunning(b)) - Number(isRunning(a)) || a.submittedAt - b.submittedAt;

const nodeColumns: readonly Column<NodeRow>[] = [
  { title: 'NODE', of: ({ name }) => name, gives: true },
  { title: 'STATE', of: (node) => (node.drained ? `${node.phase}, drained` : node.phase) },
  { title: 'HAS', of: (node) => resources(node.resources) },
  { title: 'JOBS', of: ({ jobs }) => jobs.map(short).join(','), gives: true },
];

const jobColumns = (now: number): readonly Column<JobRow>[] => [
  { title: 'JOB', of: ({ id }) => short(id) },
  { title: 'NAME', of: ({ name }) => name, gives: true },
  { title: 'PHASE', of: ({ phase }) => phase },
  { title: 'TIME', of: (job) => span(now - (job.startedAt || job.submittedAt)), right: true },
  { title: 'CPUS', of: (job) => String(cpusOf(job) || ''), right: true },
  { title: 'WHERE', of: (job) => job.nodes.join(',') || job.cluster, gives: true },
  { title: 'DETAILS', of: ({ details }) => details.replaceAll('\n', ' '), gives: true },
];
