import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { AttemptKey, Exit, ProcessOrder, Started } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Millis, Note } from '../../runtime/ports.ts';
import { type Account, accounts, firstClosed } from './account.ts';
import { type Attempt, end, fail, makeAttempt, marksOf, settle, startFailed } from './attempt.ts';
import { bootId } from './being.ts';
import { type Containers, containedLine, noContainers, type Tended } from './contained.ts';
import { bringToEnd, type Ways } from './ending.ts';
import { type Fences, removeFence, unenforcedWords } from './fence.ts';
import type { Forgotten } from './forgotten.ts';
import { cutLogs, isOverCap } from './log-cap.ts';
import { checkOrder, startFields } from './order.ts';
import { appendRecord, readRecord, recordName, removeRecord, type Told } from './record.ts';
import type { SlotNews } from './slot.ts';
import type { Slots } from './slots.ts';
import { kill, terminate } from './tree.ts';
import { Watch } from './watch.ts';

export type HostOptions = {
  /** Where records lie: ours alone, 0700, on a local disk, and of one worker at a time. */
  readonly directory: string;
  /** The account of jobs that name none, when we are root. */
  readonly jobsUser: string;
  /** Put into every job's environment, such as the installation's and the machine's id. */
  readonly mark: Readonly<Record<string, string>>;
  readonly note: Note;
  /** Logs below this directory are swm's own, opened by it for the job; '' is none. */
  readonly spool?: string;
  readonly logBytesMax: number;
  /** Runs what names an image. */
  readonly containers?: Containers;
};

/** The attempts of this machine, as far as somebody asked for them in this life of the worker. */
export class Host {
  readonly #options: HostOptions;
  readonly #fences: Fences;
  readonly #forgotten: Forgotten;
  readonly #slots: Slots;
  readonly #watch: Watch;
  readonly #attempts = new Map<string, Attempt>();
  /** Records of former lives that nobody has asked for yet. */
  readonly #found: Set<string>;
  /** Those that are not over. */
  readonly #live = new Set<Attempt>();
  readonly #account: (name: string) => Promise<Account>;
  readonly #logTimer: NodeJS.Timeout;
  readonly #uid = process.getuid?.() ?? -1;
  readonly #containers: Containers;
  readonly #tended: Tended;
  #open = true;

  constructor(options: HostOptions, fences: Fences, forgotten: Forgotten, slots: Slots) {
    this.#options = options;
    this.#fences = fences;
    this.#forgotten = forgotten;
    this.#slots = slots;
    this.#found = new Set(readdirSync(options.directory));
    this.#account = accounts(limits.accountMs, () => performance.now());
    this.#watch = new Watch({
      directory: options.directory,
      boot: bootId(),
      note: options.note,
      tree: ({ key }, told) => ({ fences, told, marks: marksOf(options.mark, key) }),
      over: (attempt, told) => {
        this.#over(attempt, told);
        if ('fence' in told && told.fence !== '') removeFence(this.#fences, told.fence);
      },
    });
    this.#containers = options.containers ?? noContainers;
    this.#tended = {
      account: (order) => this.#accountOf(order),
      over: (attempt, told) => this.#over(attempt, told),
      failed: (attempt, why) => this.#fail(attempt, why),
    };
    this.#logTimer = setInterval(() => this.#checkLogs(), limits.logCheckMs).unref();
  }

  async ensure(order: ProcessOrder): Promise<Started> {
    checkOrder(order);
    const known = this.#known(order.key);
    if (known) {
      if (!known.isOver) known.order ??= order;
      if (known.contained && !known.isOver) this.#containers.tend(known, this.#tended);
      return known.started.promise;
    }
    if (this.#forgotten.has(order.key))
      throw new Failed('refused', 'this attempt has been, and is forgotten');
    const attempt = this.#enter(order.key);
    attempt.order = order;
    try {
      const account = await this.#accountOf(order);
      attempt.uid = account?.uid ?? this.#uid;
      if (order.image !== undefined) await this.#contain(attempt, order);
      else if (!attempt.isOver) this.#start(attempt, order, account);
    } catch (error) {
      this.#unstarted(attempt, error as Failed);
    }
    return attempt.started.promise;
  }

  exited(key: AttemptKey, signal: AbortSignal): Promise<Exit> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const attempt = this.#known(key);
      if (!attempt) throw new Failed('not_found', 'there is no record of this attempt');
      const abort = () => reject(signal.reason);
      signal.addEventListener('abort', abort);
      const forgetAbort = () => signal.removeEventListener('abort', abort);
      attempt.ended.promise.then(resolve, reject).finally(forgetAbort);
    });
  }

  async stop(key: AttemptKey, graceMs: Millis): Promise<void> {
    const attempt = this.#known(key) ?? (this.#forgotten.has(key) ? undefined : this.#enter(key));
    if (!attempt || attempt.isOver) return;
    let told = readRecord(attempt.path);
    if (told.is === 'nothing' || told.is === 'starting')
      told = appendRecord(attempt.path, `refused ${Date.now()}`);
    if (told.is === 'running' || attempt.contained) return this.#end(attempt, told, graceMs);
    this.#over(attempt, told);
  }

  async forget(key: AttemptKey): Promise<void> {
    const attempt = this.#known(key);
    if (attempt && !attempt.isOver)
      throw new Failed('wrong_phase', 'an attempt that still runs is not forgotten');
    this.#forgotten.add(key);
    if (attempt) removeRecord(attempt.path);
    this.#attempts.delete(recordName(key));
  }

  /** Lets go of all attempts; nothing more is heard of them in this life. */
  close(): void {
    this.#open = false;
    clearInterval(this.#logTimer);
    this.#watch.close();
    this.#slots.close();
    this.#containers.close();
  }

  /** The attempt as this life knows it, or as its record tells of it. */
  #known(key: AttemptKey): Attempt | undefined {
    const name = recordName(key);
    const known = this.#attempts.get(name);
    if (known) return known;
    if (!this.#found.delete(name)) return undefined;
    const attempt = this.#enter(key);
    this.#adopt(attempt, readRecord(attempt.path));
    return attempt;
  }

  #enter(key: AttemptKey): Attempt {
    const name = recordName(key);
    const attempt = makeAttempt(key, join(this.#options.directory, name));
    this.#attempts.set(name, attempt);
    this.#live.add(attempt);
    return attempt;
  }

  /** One that no slot of this life runs. */
  #adopt(attempt: Attempt, told: Told): void {
    if (told.is === 'starting' || told.is === 'running') {
      settle(attempt, told);
      attempt.contained = told.contained;
      if (told.contained) this.#containers.tend(attempt, this.#tended);
      else this.#watch.add(attempt);
    } else if (told.is !== 'ended' && this.#containers.holds(attempt)) {
      attempt.contained = true;
      this.#containers.tend(attempt, this.#tended);
    } else this.#over(attempt, told);
  }

  /** Claims it for the container engine, which need not be here: then nothing is claimed. */
  async #contain(attempt: Attempt, order: ProcessOrder): Promise<void> {
    const unenforced = await this.#containers.unenforced(order);
    if (attempt.isOver) return;
    this.#adopt(attempt, appendRecord(attempt.path, containedLine(unenforced)));
  }

  #start(attempt: Attempt, order: ProcessOrder, account: Account | undefined, tries = 1): void {
    const { mark, spool = '' } = this.#options;
    let unenforced: readonly string[] = [];
    let started: Started | undefined;
    this.#slots.run({
      record: recordName(attempt.key),
      limits: order.limits,
      fields: startFields(order, marksOf(mark, attempt.key), account, spool),
      taken: (slot, letters) => {
        attempt.slot = slot;
        unenforced = unenforcedWords(letters);
      },
      hear: (news) => {
        if (news.is === 'pid') {
          started = { pid: news.pid, at: news.at, unenforced };
          attempt.started.resolve(started);
        } else if (news.is === 'exit' && started) {
          const { code, signal, outOfMemory, at } = news;
          attempt.slot = undefined;
          this.#ended(attempt, { code, signal, outOfMemory, at, lost: false });
        } else if (news.is === 'gone' && this.#isUnclaimed(attempt, tries)) {
          this.#start(attempt, order, account, tries + 1);
        } else this.#heard(attempt, account, news);
      },
      refused: (why) => this.#unstarted(attempt, new Failed('start_failed', why, true)),
    });
  }

  /** The slot was killed before it read the order; another may have it. */
  #isUnclaimed({ path, isOver }: Attempt, tries: number): boolean {
    return !isOver && tries < limits.slotsLostMax && readRecord(path).is === 'nothing';
  }

  #heard(attempt: Attempt, account: Account | undefined, news: Exclude<SlotNews, { is: 'pid' }>) {
    switch (news.is) {
      case 'failed': {
        const closed = account && firstClosed(attempt.order?.directory ?? '/', account);
        return this.#fail(attempt, startFailed(attempt, news.step, news.errno, closed));
      }
      case 'broken':
        return this.#unstarted(attempt, startFailed(attempt, 'record', news.errno));
      case 'exit':
      case 'taken':
      case 'gone': {
        attempt.slot = undefined;
        const told = readRecord(attempt.path);
        if (told.is === 'nothing') this.#unstarted(attempt, startFailed(attempt, 'killed', 0));
        else if (!attempt.isOver) this.#adopt(attempt, told);
      }
    }
  }

  /** There is no record, so that the same attempt may be tried again. */
  #unstarted(attempt: Attempt, why: Failed): void {
    this.#attempts.delete(recordName(attempt.key));
    this.#fail(attempt, why);
  }

  #fail(attempt: Attempt, why: Failed): void {
    this.#live.delete(attempt);
    fail(attempt, why);
  }

  /** What a slot of this life tells is what it has written. */
  #ended(attempt: Attempt, exit: Exit): void {
    this.#quiet(attempt);
    end(attempt, attempt.isCapped ? { ...exit, logFull: true } : exit);
  }

  #over(attempt: Attempt, told: Told): void {
    this.#quiet(attempt);
    settle(attempt, told);
  }

  /** Nothing writes its logs any more. */
  #quiet(attempt: Attempt): void {
    this.#live.delete(attempt);
    const { order, uid } = attempt;
    const { logBytesMax } = this.#options;
    if (order && isOverCap(order, logBytesMax)) cutLogs(order, logBytesMax, uid);
    attempt.order = undefined;
  }

  async #accountOf(order: ProcessOrder): Promise<Account | undefined> {
    return this.#uid === 0 ? this.#account(order.user || this.#options.jobsUser) : undefined;
  }

  /** The slot, which waits for all of it, reads from the record how long the rest may go on. */
  async #end(attempt: Attempt, told: Told, graceMs: Millis): Promise<void> {
    if (attempt.contained) this.#containers.tend(attempt, this.#tended);
    else if (!attempt.slot) this.#watch.add(attempt);
    appendRecord(attempt.path, `stopping ${Date.now() + Math.max(0, graceMs)}`);
    return bringToEnd(attempt, this.#ways(attempt, told), graceMs, () => this.#open);
  }

  #ways(attempt: Attempt, told: Told): Ways {
    if (attempt.contained || told.is !== 'running') return this.#containers.ways(attempt);
    const tree = { fences: this.#fences, told, marks: marksOf(this.#options.mark, attempt.key) };
    return { terminate: () => terminate(tree), kill: (isOver) => kill(tree, isOver) };
  }

  #checkLogs(): void {
    for (const attempt of this.#live) {
      const { order } = attempt;
      const { note, logBytesMax } = this.#options;
      if (!order || attempt.isCapped || !isOverCap(order, logBytesMax)) continue;
      const told = readRecord(attempt.path);
      if (told.is !== 'running') continue;
      attempt.isCapped = true;
      appendRecord(attempt.path, `log_full ${Date.now()}`);
      const { job } = attempt.key;
      this.#end(attempt, told, 0).catch((error) =>
        note('error', 'process', 'a job with a full log cannot be ended', { job, error }),
      );
    }
  }
}
