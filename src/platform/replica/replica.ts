import type { Effect, Change as GroupChange, Persist } from '../../consensus/events.ts';
import { type Append, never } from '../../consensus/messages.ts';
import { begin } from '../../consensus/raft.ts';
import { dueAt, standing, wants } from '../../consensus/view.ts';
import { Failed, failure, Malformed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Millis, Range, Store } from '../../runtime/ports.ts';
import { Applier } from './applier.ts';
import { Changes, type ChangeThen } from './changes.ts';
import { type Asker, Core } from './core.ts';
import { Leading } from './leading.ts';
import { entriesOf, type HeadMessage, sendAppend } from './messages.ts';
import type { Apply, Snapshot } from './ports.ts';
import type {
  ChangeOutcome,
  Replica,
  ReplicaOptions,
  ReplicaStatus,
  RoleNews,
} from './replica-port.ts';
import { Snapshots } from './sending.ts';
import { hasOthers, isHandingOver, raftSettings, statusOf } from './status.ts';
import { entryOf, lastAt, Tail } from './tail.ts';
import { Ticker } from './ticker.ts';
import { Waits } from './waits.ts';

/** Begins to take part in the group of a disk; a head that is alone leads it at once. */
export function openReplica(options: ReplicaOptions): Replica {
  return new Driver(options);
}

/** Drives the core: gives it messages and time, and does what it says with disk and links. */
class Driver implements Replica {
  readonly #options: ReplicaOptions;
  readonly #later: (then: () => void) => void;
  readonly #tail: Tail;
  readonly #applier: Applier;
  readonly #snapshots: Snapshots;
  readonly #core: Core;
  readonly #leading: Leading;
  readonly #waits = new Waits();
  readonly #changes = new Changes(this.#waits);
  readonly #ticker: Ticker;
  #at: Millis;
  #installing = false;
  #ended = false;

  constructor(options: ReplicaOptions) {
    const { disk, self, monotonic, settings = raftSettings } = options;
    this.#options = options;
    this.#later = options.later ?? ((then) => process.nextTick(then));
    this.#core = new Core(begin(disk.kept, self, settings, monotonic()), {
      monotonic,
      dice: options.dice,
      note: options.note,
      perform: (effect, asker) => this.#perform(effect, asker),
      stepped: () => this.#ticker.arm(),
      failed: (why) => {
        this.#end();
        options.onBroken?.(failure('bug', `This head cannot agree with the others: ${why}`));
      },
    });
    this.#tail = new Tail(disk, limits.raftCacheBytesMax);
    this.#at = lastAt(disk);
    this.#applier = this.#makeApplier(options);
    this.#snapshots = this.#makeSnapshots(options);
    this.#ticker = this.#makeTicker(options);
    this.#leading = new Leading({
      records: disk,
      later: this.#later,
      hasOthers: () => hasOthers(this.#core.raft),
      onGroup: (batches) => options.onGroup?.(batches),
      mayPropose: () => !this.#ended && !isHandingOver(this.#core.raft),
      propose: (batches) => this.#core.take({ kind: 'propose' }, { batches }),
    });
    this.#later(() => this.#core.take({ kind: 'tick' }));
  }

  #makeApplier({ disk }: ReplicaOptions): Applier {
    return new Applier(disk, this.#tail, {
      isAlone: () => !hasOthers(this.#core.raft),
      seen: (applied) => this.#seen(applied),
      compacted: (upTo) => this.#core.take({ kind: 'compacted', upTo }),
      needed: () => this.#snapshots.needed,
      broke: () => this.#end(),
    });
  }

  #makeSnapshots({ disk, note, clock, monotonic, send, fetchSnapshot }: ReplicaOptions): Snapshots {
    return new Snapshots({
      ...{ disk, note, monotonic, send, fetch: fetchSnapshot },
      now: () => clock.now(),
      raft: () => this.#core.raft,
      install: (snapshot) => this.#install(snapshot),
    });
  }

  #makeTicker({ clock, monotonic }: ReplicaOptions): Ticker {
    return new Ticker({
      clock,
      monotonic,
      // While a snapshot is being installed, this head does not stand for election.
      dueAt: () => (this.#ended || this.#installing ? never : dueAt(this.#core.raft)),
      tick: () => {
        this.#core.take({ kind: 'tick' });
        this.#leading.wake();
      },
      late: (ms) => this.#core.take({ kind: 'late', ms }),
    });
  }

  get(key: string): Uint8Array | undefined {
    return this.#options.disk.get(key);
  }

  range(range: Range): readonly (readonly [string, Uint8Array])[] {
    return this.#options.disk.range(range);
  }

  leaderStore(term: number): Store {
    return this.#leading.store(term);
  }

  now(): Millis {
    return Math.max(this.#options.clock.now(), this.#at);
  }

  receive(from: string, message: HeadMessage): void {
    if (this.#ended) return;
    this.#ticker.look();
    try {
      if (message.kind === 'offer') this.#snapshots.take(from, message);
      else if (message.kind === 'append') {
        const { entries: encoded, ...append } = message;
        if (this.#installing && encoded.length > 0) return;
        this.#core.take({ kind: 'heard', from, message: append, entries: entriesOf(message) });
      } else if (!this.#installing) this.#core.take({ kind: 'heard', from, message });
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      this.#options.note('warn', '/raft', error.message, { from, kind: message.kind });
    }
  }

  linked(peer: string): void {
    this.#core.take({ kind: 'found', peer });
  }

  unlinked(peer: string): void {
    this.#core.take({ kind: 'lost', peer });
  }

  read(then: (ok: boolean) => void): void {
    if (this.#ended) return this.#later(() => then(false));
    this.#core.take({ kind: 'read', id: this.#waits.ask(then) });
  }

  change(change: GroupChange, then: ChangeThen): void {
    if (this.#ended) return this.#later(() => then('unknown'));
    this.#core.take({ kind: 'members', change }, { tell: then });
  }

  transfer(to: string, then: ChangeThen): void {
    if (this.#ended) return this.#later(() => then('unknown'));
    let answer: ChangeOutcome | undefined;
    const tell = (outcome: ChangeOutcome): void => {
      answer = outcome;
    };
    this.#core.take({ kind: 'transfer', to }, { tell });
    if (standing(this.#core.raft).role !== 'leader') answer ??= 'done';
    if (answer !== undefined) return then(answer);
    const { electionMsMax } = this.#core.raft.settings;
    this.#options.clock.timer(2 * electionMsMax, this.#changes.transferring(then));
  }

  status(): ReplicaStatus {
    const { applied } = this.#applier;
    return statusOf(this.#core.raft, applied, this.#options.monotonic(), this.#snapshots.lastAt);
  }

  snapshot(): Snapshot | undefined {
    return this.#snapshots.latest;
  }

  backup(): Promise<Snapshot> {
    return this.#snapshots.make();
  }

  async close(): Promise<void> {
    await this.#leading.now?.close();
    this.#end();
    await this.#options.disk.close();
  }

  #perform(effect: Effect, asker: Asker): void {
    const { applied } = this.#applier;
    switch (effect.kind) {
      case 'persist':
        return this.#persist(effect, asker);
      case 'send':
        return this.#send(effect.to, effect.message);
      case 'commit':
        return this.#applier.commitTo(effect.index);
      case 'role':
        return this.#become(effect);
      case 'snapshot':
        return this.#snapshots.offer(effect.to);
      case 'readable':
        return this.#waits.answer(effect.id, effect.index, applied);
      case 'unreadable':
        return this.#waits.answer(effect.id, undefined, applied);
      case 'refused':
        asker.tell?.(effect.why);
        if (effect.why === 'handing_over') this.#leading.now?.giveBack(asker.batches ?? []);
        else asker.batches?.forEach(({ then }) => void this.#later(() => then('unknown')));
    }
  }

  #persist({ write, hard, entries: headings, alone }: Persist, { batches, tell }: Asker): void {
    const changes = batches?.flatMap((batch) => batch.changes) ?? [];
    const entries = headings.map((heading) => entryOf(heading, this.now(), changes, alone));
    const last = entries.at(-1);
    if (last) this.#at = last.at;
    if (last && batches) this.#leading.now?.proposed(last.index, batches);
    if (last && tell) this.#changes.appended(last.index, this.#applier.applied, tell);
    if (!alone) this.#tail.put(entries);
    const whole = alone
      ? this.#applier.aloneWrite(entries, hard)
      : { ...(hard && { hard }), ...(last && { entries }) };
    this.#options.disk.write(whole, (outcome) => {
      if (outcome === 'unknown') return this.#end();
      this.#core.take({ kind: 'stored', write });
      if (alone) this.#applier.aloneWritten(whole);
    });
  }

  #send(to: string, message: HeadMessage | Append): void {
    const { send } = this.#options;
    if (message.kind !== 'append') send(to, message);
    else sendAppend(message, this.#tail, (full) => send(to, full));
  }

  #become(news: RoleNews): void {
    const { role, leader, term, ready } = news;
    const { now } = this.#leading;
    if (now && (role !== 'leader' || term !== now.term)) this.#depose();
    if (role === 'leader') this.#leading.begin(term);
    const tell = (): void => {
      const is = standing(this.#core.raft);
      if (is.role === role && is.term === term && !this.#ended)
        this.#options.onRole({ role, leader, term, ready });
    };
    if (!ready) tell();
    else this.#waits.until(this.#core.raft.committed, this.#applier.applied, (ok) => ok && tell());
  }

  #depose(): void {
    this.#leading.end();
    this.#changes.end();
  }

  #seen(applied: readonly Apply[]): void {
    const changes = applied.flatMap((entry) => entry.changes);
    const last = applied.at(-1)!;
    if (changes.length > 0) this.#options.onApplied(changes, last.at);
    this.#leading.now?.applied(last.index);
    this.#waits.applied(last.index);
    this.#leading.wake();
  }

  /** While it goes on, this head neither stands for election nor takes entries. */
  async #install(snapshot: Snapshot): Promise<void> {
    // A log that has the snapshot's entry may have more that this head has answered for.
    if (!wants(this.#core.raft, snapshot)) throw new Failed('refused', 'it is needed no more');
    this.#installing = true;
    this.#applier.pause();
    try {
      const kept = await this.#options.disk.install(snapshot);
      this.#tail.clear();
      this.#at = kept.applied.at;
      this.#core.take({ kind: 'installed', kept });
      this.#options.onReplaced?.();
    } finally {
      this.#installing = false;
      this.#applier.resume();
      this.#core.take({ kind: 'late', ms: 0 });
      this.#waits.applied(this.#applier.applied);
    }
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#core.stop();
    this.#ticker.stop();
    this.#depose();
    this.#waits.end();
  }
}
