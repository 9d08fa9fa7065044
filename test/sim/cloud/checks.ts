import type { Cluster } from '../../../src/actors/cluster/cluster.ts';
import { keeping as clusterKeeping } from '../../../src/actors/cluster/keeping.ts';
import type { Job, Outcome } from '../../../src/actors/job/job.ts';
import { keeping as jobKeeping } from '../../../src/actors/job/keeping.ts';
import type { AttemptKey, Exit, PartitionOrder, ProcessOrder } from '../../../src/actors/ports.ts';
import type { Change } from '../../../src/runtime/ports.ts';
import { pathOfKey } from '../../../src/runtime/record.ts';
import type { MemorySite } from '../../ports/memory-gate.ts';
import type { MemoryDisk } from '../../ports/memory-store.ts';
import { isThere, kept } from '../kept.ts';
import type { World } from '../world.ts';
import type { Promises } from './clients.ts';
import type { Machine, Witness } from './machine.ts';
import { Saved } from './saved.ts';

export type Looked = {
  readonly world: World;
  /** What is decided, whichever heads have it. */
  readonly truth: MemoryDisk;
  readonly site: () => MemorySite;
  readonly machines: () => Iterable<Machine>;
  readonly clusterOf: (machine: Machine) => string;
  readonly promises: Promises;
};

/** What must hold at every commit of the heads, and at every start and end of a process. */
export class Checks {
  readonly #at: Looked;
  readonly #outcomes = new Map<string, string>();
  readonly #attempts = new Map<string, number>();
  readonly #started = new Set<string>();
  /** By job, the cluster that it held last. */
  readonly #holds = new Map<string, string>();
  readonly #exits = new Map<string, Exit>();
  readonly #saved: Saved;

  constructor(at: Looked) {
    this.#at = at;
    this.#saved = new Saved(at.world, (id) => this.job(id));
  }

  readonly witness: Witness = {
    began: (machine, order) => this.#began(machine, order),
    ended: (_, key, exit) => void this.#exits.set(nameOf(key), exit),
    staged: (order) => this.#saved.staged(order),
    saved: (key, sha256) => this.#saved.made(key, sha256),
  };

  /** Of the control records. */
  readonly committed = (changes: readonly Change[]): void => {
    for (const path of new Set(changes.map(({ key }) => pathOfKey(key)))) {
      if (path?.startsWith('/jobs/')) this.#job(path);
      if (path?.startsWith('/clusters/')) this.#cluster(path);
    }
  };

  /** Whatever was promised is on the disk, at any moment. */
  promises(): void {
    for (const id of this.#at.promises.submitted) this.acknowledged(id);
  }

  /** A submit was acknowledged: it is decided. */
  acknowledged(id: string): void {
    const { world, truth } = this.#at;
    world.check('no acknowledged job is lost', isThere(truth, `/jobs/${id}`), () => id);
  }

  /** What the site has was claimed before, and who claims it has it. */
  site(): void {
    const { world } = this.#at;
    for (const { name } of this.#at.site().truth()) {
      const claimed = isThere(this.#at.truth, `/clusters/${name}`);
      world.check('claimed before it is made', claimed, () => name);
    }
  }

  /** The site is about to take a partition away. */
  removing({ name }: PartitionOrder, externalId: string): void {
    const claim = kept(this.#at.truth, clusterKeeping, `/clusters/${name}`);
    const isGoing = claim?.phase === 'releasing' || claim?.phase === 'gone';
    const isItself = claim?.externalId === externalId;
    // Whoever is held goes for a reason, such as a node that is lost; to be a stray is none.
    const isSwept = isGoing && claim.holds.length > 0 && claim.failure === null;
    const isUsed = claim !== undefined && isItself && (!isGoing || isSwept);
    this.#at.world.check(
      'nothing that is claimed is swept',
      !isUsed,
      () => `${name} ${externalId} in ${claim?.phase}`,
    );
  }

  job(id: string): Job | undefined {
    return kept(this.#at.truth, jobKeeping, `/jobs/${id}`);
  }

  #job(path: string): void {
    const { world } = this.#at;
    const job = kept(this.#at.truth, jobKeeping, path);
    if (job === undefined) return world.violate('no acknowledged job is lost', path);
    const before = this.#attempts.get(job.id) ?? 0;
    world.check('attempts count on', job.attempt >= before, () => `${path} ${job.attempt}`);
    this.#attempts.set(job.id, job.attempt);
    this.#saved.decided(job);
    for (const past of job.runs) this.#final(job.id, past.run, past.outcome);
    if (job.phase === 'ended' && job.outcome) this.#final(job.id, job.run, job.outcome);
    if (job.phase === 'ended') this.#true(job);
  }

  #final(id: string, run: number, outcome: Outcome): void {
    const key = `${id} run ${run}`;
    const now = JSON.stringify(outcome);
    const before = this.#outcomes.get(key) ?? now;
    this.#at.world.check('an ended run is final', before === now, () => `${key} ${before} ${now}`);
    this.#outcomes.set(key, now);
  }

  /** A result is what the process did. */
  #true(job: Job): void {
    const { outcome, id, attempt } = job;
    if (job.remains !== 'all') return;
    this.#at.world.check('an end has an outcome', outcome !== null, () => id);
    if (outcome?.state !== 'F') return;
    const exit = this.#exits.get(nameOf({ job: id, attempt, rank: 0 }));
    const same = exit !== undefined && !exit.lost && exit.signal === 0;
    const text = (): string => `${id} ${outcome.exitcode} ${JSON.stringify(exit)}`;
    const others = job.reports.slice(1).map((report) => report?.exit?.code);
    const isOne = same && (exit.code === outcome.exitcode || others.includes(outcome.exitcode));
    this.#at.world.check('results are true', isOne, text);
  }

  #cluster(path: string): void {
    const cluster = kept(this.#at.truth, clusterKeeping, path);
    if (cluster === undefined) return;
    if (cluster.made === null) this.#fits(cluster);
    if (cluster.phase !== 'releasing' && cluster.phase !== 'gone') this.#used(cluster);
    const holders = new Set(cluster.holds.map(({ job }) => job));
    if (cluster.phase === 'gone') this.#gone(cluster);
    for (const job of holders) this.#alone(path, job);
    const alone = cluster.made === null || cluster.holds.length <= 1;
    this.#at.world.check('one hold of a made cluster', alone, () => `${path} ${[...holders]}`);
  }

  /** What is called gone, by the id that its site gave it, is there no more. */
  #gone({ name, externalId }: Cluster): void {
    const is = this.#at.site().truth();
    const isThere = externalId !== '' && is.some((one) => one.externalId === externalId);
    this.#at.world.check('gone is gone', !isThere, () => `${name} ${externalId}`);
  }

  /** Never two clusters for one job. */
  #alone(path: string, job: string): void {
    const before = this.#holds.get(job) ?? path;
    this.#holds.set(job, path);
    if (before === path) return;
    const other = kept(this.#at.truth, clusterKeeping, before);
    const isHeld = other?.holds.some((hold) => hold.job === job) === true;
    const text = (): string => `${job} holds ${path} and ${before}`;
    this.#at.world.check('one cluster for a job', !isHeld || other.phase === 'gone', text);
  }

  /** What runs on it is what holds it. */
  #used({ name, holds }: Cluster): void {
    for (const machine of this.#at.machines()) {
      if (this.#at.clusterOf(machine) !== name) continue;
      for (const { key } of machine.running()) {
        const isHeld = holds.some((h) => h.job === key.job && h.attempt === key.attempt);
        const text = (): string => `${nameOf(key)} runs on ${machine.name}`;
        this.#at.world.check('nobody uses what was released', isHeld, text);
      }
    }
  }

  /** No more is held of a node than it has. */
  #fits(cluster: Cluster): void {
    for (const { name, resources } of cluster.members) {
      const holds = cluster.holds.filter(({ nodes }) => nodes.includes(name));
      const ports = holds.flatMap((hold) => hold.ports);
      const sum = (what: 'cpus' | 'memoryBytes' | 'gpus'): number =>
        holds.reduce((used, hold) => used + hold.resources[what], 0);
      const fits = (['cpus', 'memoryBytes', 'gpus'] as const).every(
        (what) => sum(what) <= resources[what],
      );
      this.#at.world.check(
        'capacity is never oversubscribed',
        fits && new Set(ports).size === ports.length,
        () => `${name} ${JSON.stringify(holds)}`,
      );
    }
  }

  #began(machine: Machine, { key }: ProcessOrder): void {
    const { world } = this.#at;
    const name = nameOf(key);
    world.check('an attempt starts once', !this.#started.has(name), () => name);
    this.#started.add(name);
    for (const other of this.#at.machines())
      for (const { key: live } of other.running())
        world.check(
          'at most one live attempt',
          live.job !== key.job || live.attempt === key.attempt,
          () => `${name} on ${machine.name}, ${nameOf(live)} on ${other.name}`,
        );
    this.#held(machine, key);
    const used = machine.running().reduce((sum, { limits }) => sum + limits.cpus, 0);
    const fits = used <= machine.resources.cpus;
    world.check(
      'capacity is never oversubscribed',
      fits,
      () => `${machine.name} runs ${used} cpus`,
    );
  }

  /**
   * Whoever uses a cluster holds it, or has given it up together with its machines, which are not
   * gone yet: nobody tells one of them that could not be reached.
   */
  #held(machine: Machine, { job, attempt }: AttemptKey): void {
    const name = this.#at.clusterOf(machine);
    const cluster = kept(this.#at.truth, clusterKeeping, `/clusters/${name}`);
    const isIts = (of: { job: string; attempt: number }): boolean =>
      of.job === job && of.attempt === attempt;
    const isGiven = cluster?.phase === 'releasing' && cluster.left.some(isIts);
    this.#at.world.check(
      'nobody uses what was released',
      isGiven || cluster?.holds.find(isIts)?.nodes.includes(machine.name) === true,
      () => `${job}.${attempt} on ${machine.name}, which is ${cluster?.phase}`,
    );
  }
}

const nameOf = ({ job, attempt, rank }: AttemptKey): string => `${job}.${attempt}.${rank}`;
