import { GROUP } from '../actors/group/keeping.ts';
import type { Lead } from '../actors/lead.ts';
import { openReplica } from '../platform/replica/replica.ts';
import type { Replica, ReplicaOptions, RoleNews } from '../platform/replica/replica-port.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { type Message, message, type Reply } from '../protocol/messages.ts';
import type { Change, Millis, Store } from '../runtime/ports.ts';
import { pathOfKey } from '../runtime/record.ts';

export type SeatSetup = Omit<ReplicaOptions, 'onRole' | 'onApplied' | 'onReplaced' | 'later'> & {
  /** Runs something once what runs now is through. */
  readonly later: (then: () => void) => void;
  /** Puts a question to an actor of the leader. */
  readonly ask: (path: string, question: Message) => Promise<object>;
  /** Another head leads, or none, or this one in another term. */
  readonly onLead: (lead: Lead, before: Lead) => void;
  /** This head leads, and has all that was decided; or it leads no more. */
  readonly onLeading: () => void;
  readonly onApplied: (changes: readonly Change[]) => void;
  /** All records may be others: a snapshot took their place. */
  readonly onReplaced: () => void;
  /** The list of heads is another one, or was read anew. */
  readonly onHeads: () => void;
};

/** A head's part in the group of heads, as the rest of the node sees it. */
export type Council = {
  readonly replica: Replica;
  /** What the control tree is kept in: it commits while this head leads. */
  readonly store: Store;
  readonly lead: Lead;
  readonly leads: boolean;
  /** The voters, as far as this head knows. */
  voters(): readonly string[];
  /** Resolves once the records here hold all that anybody was told. Throws `Failed`. */
  current(): Promise<void>;
  /** When the newest entry that is applied here was decided, log time. */
  appliedAt(): Millis;
  /** Resolves once somebody leads. */
  led(): Promise<void>;
  close(): Promise<void>;
};

type Wait = { readonly index: number; readonly done: () => void };

/** Takes a head's place in its group. What it learns is told by the callbacks of `setup`. */
export const takeSeat = (setup: SeatSetup): Council => new Seat(setup);

/** Resolves with whether reads here see all that was decided when it was asked. */
export const readable = (replica: Replica): Promise<boolean> =>
  new Promise((resolve) => replica.read(resolve));

class Seat implements Council {
  readonly replica: Replica;
  readonly store: Store;
  readonly #setup: SeatSetup;
  readonly #someoneLeads = Promise.withResolvers<void>();
  #lead: Lead = { leader: '', term: 0 };
  #leading: Store | undefined;
  #waits: readonly Wait[] = [];
  #appliedAt: Millis;

  constructor(setup: SeatSetup) {
    this.#setup = setup;
    this.#appliedAt = setup.disk.kept.applied.at;
    this.replica = openReplica({
      ...setup,
      onRole: (news) => this.#moved(news),
      onApplied: (changes, at) => this.#applied(changes, at),
      onReplaced: () => {
        setup.onReplaced();
        setup.onHeads();
        this.#look();
      },
    });
    this.store = this.#storeOfLeader();
  }

  get lead(): Lead {
    return this.#lead;
  }

  get leads(): boolean {
    return this.#leading !== undefined;
  }

  voters(): readonly string[] {
    return this.replica.status().members.voters;
  }

  async current(): Promise<void> {
    if (this.leads && (await readable(this.replica))) return;
    const answer = await this.#setup.ask(GROUP, message('head.current', {}));
    await this.#reached((answer as Reply<'head.current'>).index);
  }

  appliedAt(): Millis {
    return this.#appliedAt;
  }

  led(): Promise<void> {
    return this.#someoneLeads.promise;
  }

  close(): Promise<void> {
    return this.replica.close();
  }

  #moved({ role, leader, term, ready }: RoleNews): void {
    const leads = role === 'leader' && ready;
    // The tree of a leader that was deposed must do nothing more, before anything else is heard.
    if (this.#leading !== undefined && (!leads || this.#leading.term !== term)) {
      this.#leading = undefined;
      this.#setup.onLeading();
    }
    if (leader !== this.#lead.leader || term !== this.#lead.term) {
      const before = this.#lead;
      this.#lead = { leader, term };
      this.#setup.onLead(this.#lead, before);
    }
    if (leads && this.#leading === undefined) {
      this.#leading = this.replica.leaderStore(term);
      this.#setup.onLeading();
    }
    if (leads || (leader !== '' && leader !== this.#setup.self)) this.#someoneLeads.resolve();
  }

  #applied(changes: readonly Change[], at: Millis): void {
    this.#appliedAt = at;
    this.#setup.onApplied(changes);
    if (changes.some(({ key }) => pathOfKey(key) === GROUP)) this.#setup.onHeads();
    if (this.#waits.length > 0) this.#look();
  }

  /** Who leads changes with the log; what is written goes to the leadership that there is then. */
  #storeOfLeader(): Store {
    const term = (): number => this.#lead.term;
    const leading = (): Store | undefined => this.#leading;
    const { replica } = this;
    return {
      get term() {
        return term();
      },
      get: (key) => replica.get(key),
      range: (range) => replica.range(range),
      commit: (changes, then) => {
        const store = leading();
        if (store === undefined) this.#setup.later(() => then('unknown'));
        else store.commit(changes, then);
      },
      close: () => replica.close(),
    };
  }

  /** Resolves once the log is applied here up to an index. */
  #reached(index: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = this.#setup.clock.timer(limits.callMs, () => {
        this.#waits = this.#waits.filter((each) => each !== wait);
        reject(new Failed('timeout', 'this head is too far behind the leader', true));
      });
      const done = (): void => {
        late();
        resolve();
      };
      const wait: Wait = { index, done };
      this.#waits = [...this.#waits, wait];
      this.#look();
    });
  }

  #look(): void {
    const { applied } = this.replica.status();
    const done = this.#waits.filter(({ index }) => index <= applied);
    this.#waits = this.#waits.filter(({ index }) => index > applied);
    for (const wait of done) wait.done();
  }
}
