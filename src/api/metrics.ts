import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { SiteRate } from '../actors/cluster/rates.ts';
import type { JobCounts } from '../actors/job/counts.ts';
import type { CallCount } from '../platform/gate-calls.ts';
import type { Latencies } from '../platform/timed-store.ts';
import type { Reply } from '../protocol/messages.ts';
import { JobPhase } from '../protocol/model.ts';
import type { Node } from '../runtime/node.ts';

/** What a head can be seen to do, without any work on its part until it is asked. */
export type Observed = {
  readonly node: Node;
  readonly status: () => Reply<'node.status'>;
  readonly links: () => number;
  readonly commits: () => Latencies;
  readonly jobs: () => Promise<JobCounts>;
  readonly now: () => number;
  /** All sites that the configuration names. */
  readonly remotes: readonly string[];
  readonly calls: () => readonly CallCount[];
  readonly rates: () => ReadonlyMap<string, SiteRate>;
};

/** All that is measured, in the text form that Prometheus reads. */
export type Metrics = () => Promise<string>;

/** From here on the delay of the loop and the memory of the process are watched, too. */
export function openMetrics(observed: Observed): Metrics {
  const register = new Registry();
  collectDefaultMetrics({ register });
  const gauge = (name: string, help: string, labelNames: readonly string[] = []): Gauge =>
    new Gauge({ name: `swm_${name}`, help, labelNames: [...labelNames], registers: [register] });
  const read = [ofJobs, ofGroup, ofActors, ofSites].map((of) => of(observed, gauge));
  return async () => {
    for (const one of read) await one();
    const counted = callLines(observed.calls());
    return `${await register.metrics()}\n${commitLines(observed.commits())}${counted}`;
  };
}

type Make = (name: string, help: string, labelNames?: readonly string[]) => Gauge;
type Read = () => void | Promise<void>;

const phases: readonly string[] = (JobPhase as unknown as { readonly enum: string[] }).enum;

function ofJobs({ jobs, now }: Observed, gauge: Make): Read {
  const count = gauge('jobs', 'Jobs that are kept, by their phase.', ['phase']);
  const age = gauge('queue_age_seconds', 'How long the oldest job has waited that waits.');
  const wait = gauge('placement_wait_seconds', 'How long jobs that are under way waited.', ['of']);
  return async () => {
    const { phases: counts, oldestQueuedAt, waitsMs } = await jobs();
    for (const phase of phases) count.set({ phase }, counts.get(phase as JobPhase) ?? 0);
    age.set(oldestQueuedAt === 0 ? 0 : Math.max(0, now() - oldestQueuedAt) / 1000);
    const sum = waitsMs.reduce((all, one) => all + one, 0);
    const longest = waitsMs.reduce((most, one) => Math.max(most, one), 0);
    wait.set({ of: 'mean' }, waitsMs.length === 0 ? 0 : sum / waitsMs.length / 1000);
    wait.set({ of: 'max' }, longest / 1000);
  };
}

function ofGroup({ status, links }: Observed, gauge: Make): Read {
  const term = gauge('raft_term', 'The term of the group of heads.');
  const role = gauge('raft_role', '1 for the role that this head has.', ['role']);
  const applied = gauge('raft_applied_index', 'The last entry that is applied here.');
  const lag = gauge('raft_lag_entries', 'Entries that are decided and not yet applied here.');
  const voters = gauge('raft_voters', 'Heads that vote.');
  const reachable = gauge('raft_voters_reachable', 'Those of them that this one hears.');
  const linked = gauge('mesh_links', 'Nodes that are linked to this one.');
  return () => {
    const now = status();
    term.set(now.term);
    for (const one of ['leader', 'follower', 'candidate', 'learner'])
      role.set({ role: one }, now.role === one ? 1 : 0);
    applied.set(now.applied ?? 0);
    lag.set(Math.max(0, (now.committed ?? 0) - (now.applied ?? 0)));
    voters.set(now.voters ?? 0);
    reachable.set(now.reachable ?? 0);
    linked.set(links());
  };
}

function ofActors({ node }: Observed, gauge: Make): Read {
  const actors = gauge('actors', 'Actors that live on this node.');
  const letters = gauge('mailbox_letters', 'Letters that wait in mailboxes.', ['of']);
  const questions = gauge('questions', 'Questions between actors that are not answered yet.');
  return () => {
    let sum = 0;
    let most = 0;
    for (const { waiting } of node.routes.living) {
      sum += waiting;
      most = Math.max(most, waiting);
    }
    actors.set(node.routes.size);
    letters.set({ of: 'all' }, sum);
    letters.set({ of: 'the fullest' }, most);
    questions.set(node.asks.size);
  };
}

function ofSites({ remotes, rates }: Observed, gauge: Make): Read {
  const clusters = gauge('clusters', 'Clusters that sites have made and not removed.', ['remote']);
  const cost = gauge('cost_per_hour', 'What they cost an hour, by their prices.', ['remote']);
  return () => {
    const now = rates();
    clusters.reset();
    cost.reset();
    // Of a site without any it is known that there are none.
    for (const remote of new Set([...remotes, ...now.keys()])) {
      clusters.set({ remote }, now.get(remote)?.clusters ?? 0);
      cost.set({ remote }, now.get(remote)?.perHour ?? 0);
    }
  };
}

/** These are counted where the library is not loaded, too. */
function callLines(calls: readonly CallCount[]): string {
  const name = 'swm_gate_call_seconds';
  return [
    `# HELP ${name} What was asked of sites, with what result, and how long that took.`,
    `# TYPE ${name} summary`,
    ...calls.flatMap(({ remote, call, result, count, sumSeconds }) => {
      const labels = `{remote="${remote}",call="${call}",result="${result}"}`;
      return [`${name}_sum${labels} ${sumSeconds}`, `${name}_count${labels} ${count}`];
    }),
    '',
  ].join('\n');
}

/** A histogram as it is written: this one is counted where the library is not loaded. */
function commitLines({ counts, count, sumSeconds }: Latencies): string {
  const name = 'swm_commit_seconds';
  const le = (bound: number): string => (bound === Number.POSITIVE_INFINITY ? '+Inf' : `${bound}`);
  return [
    `# HELP ${name} How long commits take, of some that are timed.`,
    `# TYPE ${name} histogram`,
    ...counts.map((one) => `${name}_bucket{le="${le(one.upToSeconds)}"} ${one.count}`),
    `${name}_sum ${sumSeconds}`,
    `${name}_count ${count}`,
    '',
  ].join('\n');
}
