import { setTimeout as sleep } from 'node:timers/promises';
import { Failed, type Failure } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Outcome } from '../runtime/ports.ts';
import { type Environment, storeFailed } from './store-files.ts';

export type GroupOptions = {
  /** Told once, when a commit ended unknown: the store takes no more, and the node has to end. */
  readonly onBroken?: (reason: Failure) => void;
  /** Told of each transaction once it is durable: how many batches it carried. */
  readonly onGroup?: (batches: number) => void;
  /** How long one transaction may take before it counts as lost. */
  readonly commitMsMax?: number;
};

type Batch = {
  /** Gives its changes to LMDB; the last one's promise, or undefined if there is none. */
  readonly put: () => Promise<unknown> | undefined;
  readonly then: (outcome: Outcome) => void;
};

/**
 * `idle`: nothing is in flight. `open`: LMDB gathers what is put in this turn of the loop into one
 * transaction, and batches may still join. `writing`: it is on its way to the disk; batches wait
 * for the next. `broken`: a commit ended unknown, and so does every other from now on.
 */
type Stage = 'idle' | 'open' | 'writing' | 'broken';

/** Parts of `commitMsMax`, counted in ticks so that a process that was stopped is not blamed. */
const STALL_TICKS = 10;
/** How long a broken environment may take to let go of its files. */
const CLOSE_MS = 1_000;

/**
 * Group commit over LMDB: what is given while a transaction is on its way forms the next, and each
 * has one sync. `committed` is told only after it: LMDB resolves a put's promise once its pages
 * are synced and a header that says so is written through.
 */
export class Groups {
  readonly #env: Environment;
  readonly #options: GroupOptions;
  readonly #isOurs: () => boolean;
  readonly #ticker: NodeJS.Timeout;
  #stage: Stage = 'idle';
  #group: Batch[] = [];
  #waiting: Batch[] = [];
  #put: Promise<unknown> = Promise.resolve();
  #ticks = 0;
  #settled: (() => void)[] = [];

  /** `isOurs` tells whether this life is still the newest of its environment. */
  constructor(env: Environment, options: GroupOptions, isOurs: () => boolean) {
    this.#env = env;
    this.#options = options;
    this.#isOurs = isOurs;
    const ms = (options.commitMsMax ?? limits.commitMsMax) / STALL_TICKS;
    this.#ticker = setInterval(() => this.#tick(), ms).unref();
  }

  /** Takes a batch: all that its `put` gives to LMDB becomes durable together. */
  give(put: Batch['put'], then: Batch['then']): void {
    const batch = { put, then };
    if (this.#stage === 'broken') setImmediate(then, 'unknown');
    else if (this.#stage === 'writing') this.#waiting.push(batch);
    else this.#join(batch);
  }

  /** Resolves once nothing is in flight. */
  async settled(): Promise<void> {
    if (this.#stage === 'open' || this.#stage === 'writing')
      await new Promise<void>((resolve) => this.#settled.push(resolve));
  }

  /** Ends what is in flight, and lets go of the environment's files. */
  async close(): Promise<void> {
    await this.settled();
    clearInterval(this.#ticker);
    const closed = this.#env.root.close();
    await (this.#stage === 'broken' ? Promise.race([closed, sleep(CLOSE_MS)]) : closed);
  }

  /** Gives a batch to LMDB, which makes one transaction of all that one turn of the loop puts. */
  #join(batch: Batch): void {
    if (this.#stage === 'broken') {
      setImmediate(batch.then, 'unknown');
      return;
    }
    if (this.#stage === 'idle' && !this.#isOurs()) {
      this.#group.push(batch);
      this.#break(new Failed('in_use', `The store ${this.#env.directory} was opened again.`));
      return;
    }
    const put = batch.put();
    if (put !== undefined) this.#put = put;
    else if (this.#stage === 'idle') {
      setImmediate(batch.then, 'committed');
      return;
    }
    this.#group.push(batch);
    if (this.#stage === 'open') return;
    this.#stage = 'open';
    setImmediate(() => this.#write());
  }

  /**
   * Runs in an immediate, after the one in which LMDB closes its own turn: the first put queued
   * that. `committed` is the transaction's own promise; unheard, its failure ends the process.
   */
  #write(): void {
    this.#stage = 'writing';
    this.#ticks = 0;
    Promise.all([this.#put, this.#env.records.committed]).then(
      () => this.#written(),
      (error: unknown) => this.#break(error),
    );
  }

  /** The next transaction is begun before outcomes are told, so that what they lead to joins it. */
  #written(): void {
    if (this.#stage === 'broken') return;
    const done = this.#group;
    const waiting = this.#waiting;
    this.#group = [];
    this.#waiting = [];
    this.#stage = 'idle';
    for (const batch of waiting) this.#join(batch);
    this.#options.onGroup?.(done.length);
    for (const { then } of done) then('committed');
    if (this.#group.length === 0) this.#settle();
  }

  #break(error: unknown): void {
    if (this.#stage === 'broken') return;
    this.#stage = 'broken';
    clearInterval(this.#ticker);
    const lost = [...this.#group, ...this.#waiting];
    this.#group = [];
    this.#waiting = [];
    void storeFailed(error, this.#env.directory, 'Committing to').then(({ failure }) =>
      this.#options.onBroken?.(failure),
    );
    setImmediate(() => {
      for (const { then } of lost) then('unknown');
      this.#settle();
    });
  }

  #settle(): void {
    for (const resolve of this.#settled.splice(0)) resolve();
  }

  #tick(): void {
    if (this.#stage !== 'writing' || ++this.#ticks <= STALL_TICKS) return;
    const ms = this.#options.commitMsMax ?? limits.commitMsMax;
    const { directory } = this.#env;
    this.#break(
      new Failed('disk_error', `The disk of the store ${directory} gave no answer for ${ms} ms.`),
    );
  }
}
