import { minus } from '../src/actors/amounts.ts';
import { pastOf, type Run } from '../src/actors/scheduler/past.ts';
import type { Waiting } from '../src/actors/scheduler/place.ts';
import type { ClusterNews, SiteNews } from '../src/actors/scheduler/scheduler.ts';
import { remedyText, startWords } from '../src/cli/foresight.ts';
import { emptySpec } from '../src/protocol/jobscript/spec.ts';
import type { Resources, Spec } from '../src/protocol/model.ts';
import { defaultPolicy, type Policy } from '../src/protocol/policy.ts';
import { Wondering, waits } from '../test/actors/foresight.ts';
import { situations } from './situations.ts';

/** What `swm why` and `swm when` say in situations that are played: by the scheduler itself. */

/** 14:00 of a Monday. */
const NOON = Date.UTC(2026, 10, 30, 14);
const MINUTE = 60_000;
const GIB = 2 ** 30;
const ME = 'ann';

type Have = { readonly cpus: number; readonly gpus?: number; readonly named?: Resources['named'] };
/** Something that runs: whose it is, what it holds of its node, and for how long it asks. */
type Runs = {
  readonly node: string;
  readonly cpus: number;
  readonly gpus?: number;
  readonly named?: Resources['named'];
  readonly owner?: string;
  /** Minutes that it asked for, and how long it has run; 0: it did not say. */
  readonly asked: number;
  readonly ran: number;
};
export type Situation = {
  readonly title: string;
  readonly nodes: Readonly<Record<string, Have & { readonly labels?: readonly string[] }>>;
  readonly runs: readonly Runs[];
  readonly policy?: Partial<Policy>;
  readonly sites?: readonly SiteNews[];
  /** Those who wait already. */
  readonly before?: readonly Partial<Spec>[];
  /** The job that is asked about. */
  readonly asks: Partial<Spec>;
  readonly past?: readonly Run[];
};

/** By default jobs took a third of their time, more or less. */
const usual: readonly Run[] = Array.from({ length: 60 }, (_, i) => ({
  ...{ owner: ME, askedMs: 60 * MINUTE, tookMs: (5 + i / 2) * MINUTE },
}));

export async function transcripts(): Promise<string> {
  const parts = [];
  for (const [i, situation] of situations.entries()) parts.push(await played(situation, i + 1));
  return parts.join('\n');
}

async function played(situation: Situation, number: number): Promise<string> {
  const { title, policy, before = [], asks, sites = [], past = usual } = situation;
  const rules = { ...defaultPolicy, ...policy };
  const wondering = new Wondering({ policy: rules, relocate: 'asked', remotes: [] }, NOON);
  wondering.hear('scheduler.cluster', newsOf(situation), NOON);
  for (const site of sites) wondering.hear('scheduler.site', site, NOON);
  const jobs = [...before, asks].map((spec, i) => waiting(i + 1, spec));
  for (const job of jobs) wondering.hear('scheduler.job', waits(job), NOON);
  wondering.pass(NOON);
  const id = jobs.at(-1)?.id ?? '';
  const why = await wondering.foresee({ job: id, wants: 'change' }, NOON);
  const when = await wondering.foresee({ job: id, wants: 'start' }, NOON, pastOf(past));
  const [first, ...others] = why.reasons;
  const short = id.slice(0, 8);
  const start = when.start ?? { from: null, likely: null, until: null };
  return [
    `**${number}. ${title}**`,
    '',
    '```',
    `$ swm why ${short} --all`,
    `${short} waits for a place: ${first}`,
    remedyText({ id, ...why }),
    ...others.map((other) => `  also: ${other}`),
    `$ swm when ${short}`,
    `${short} waits: ${inUtc(() => startWords(start, NOON))}`,
    '```',
    '',
  ].join('\n');
}

/** Guides say the same wherever they are made. */
function inUtc(say: () => string): string {
  const before = process.env['TZ'];
  process.env['TZ'] = 'UTC';
  try {
    return say();
  } finally {
    if (before === undefined) delete process.env['TZ'];
    else process.env['TZ'] = before;
  }
}

const blank: Partial<Spec> = { cpus: 1, memoryBytes: 0, gpus: 0, nodes: 1 };
const waiting = (n: number, spec: Partial<Spec>): Waiting => ({
  id: idOf(n),
  ...{ attempt: 1, submittedAt: NOON - (10 - n) * MINUTE, notBefore: 0, owner: ME },
  spec: { ...(emptySpec as Spec), ...blank, ...spec },
});

const idOf = (n: number): string => `0197a2b${n.toString(16)}-5b1c-7d2e-8f30-a1b2c3d4e5f6`;

function newsOf({ nodes, runs }: Situation): ClusterNews {
  const totalOf = ({ cpus, gpus = 0, named }: Have): Resources => ({
    ...{ cpus, gpus, memoryBytes: 64 * GIB },
    ...(named && { named }),
  });
  const all = Object.entries(nodes).map(([name, { labels, ...have }]) => {
    const here = runs.filter(({ node }) => node === name);
    const total = totalOf(have);
    const free = here.reduce(
      (left, each) => minus(left, { ...totalOf(each), memoryBytes: 0 }),
      total,
    );
    return { name, up: true, total, free, ports: [], ...(labels && { labels: [...labels] }) };
  });
  const holds = runs.map(({ node, owner = 'ben', asked, ran, ...have }, i) => ({
    ...{ job: `0197a1c${i}-5b1c-7d2e-8f30-a1b2c3d4e5f6`, attempt: 1, ports: [] },
    resources: { ...totalOf(have), memoryBytes: 0 },
    ...{ nodes: [node], since: NOON - ran * MINUTE },
    tenure: {
      ...{ owner, account: '', queue: '', priority: 0, preemptible: false },
      walltimeMs: asked * MINUTE,
    },
  }));
  return { cluster: 'here', open: true, claimed: null, made: null, nodes: all, holds };
}
