import type { HeadMessage } from '../../../src/platform/replica/messages.ts';
import { openReplica } from '../../../src/platform/replica/replica.ts';
import type { Replica, RoleNews } from '../../../src/platform/replica/replica-port.ts';
import type { Change, Outcome, Store } from '../../../src/runtime/ports.ts';
import { type HandClock, handClock } from '../../ports/hand-clock.ts';
import { type MemoryReplicaDisk, MemoryReplicaPlace } from '../../ports/memory-replica-disk.ts';

type Queued = { readonly from: string; readonly to: string; readonly message: HeadMessage };

/** One head of a test group: its disk lives on when it is ended. */
export type Head = {
  readonly name: string;
  readonly place: MemoryReplicaPlace;
  disk: MemoryReplicaDisk;
  replica: Replica;
  news: RoleNews[];
  changes: string[];
  broken: string[];
  replaced: number;
  up: boolean;
  /** For how long its loop did nothing while time went on. */
  stoodMs: number;
  /** By how much its wall clock is fast. */
  aheadMs: number;
  /** Kinds of messages that it sent. */
  sent: string[];
};

/** Heads in one process, on disks in memory, with a wire and a clock that are moved by hand. */
export class TestGroup {
  readonly clock: HandClock = handClock();
  readonly heads = new Map<string, Head>();
  /** Pairs that hear nothing of each other, as `a>b`. */
  readonly cut = new Set<string>();
  readonly files = new Map();
  readonly #tasks: (() => void)[] = [];
  #wire: Queued[] = [];
  #seed: number;
  fetches = 0;
  /** Asked before a snapshot is fetched: false lets the fetch fail. */
  fetchable: () => boolean = () => true;

  constructor(seed = 1) {
    this.#seed = seed;
  }

  /** Opens a head on its disk, new or old. */
  open(name: string, joins = false): Head {
    const { files } = this;
    const later = (then: () => void): void => void this.#tasks.push(then);
    const place =
      this.heads.get(name)?.place ?? new MemoryReplicaPlace(name, { joins, files, later });
    const head = {
      name,
      place,
      news: [],
      changes: [],
      broken: [],
      replaced: 0,
      stoodMs: 0,
      aheadMs: 0,
      sent: [],
      up: true,
    } as unknown as Head;
    this.heads.set(name, head);
    head.disk = place.open({ onBroken: ({ code }) => head.broken.push(code) });
    head.replica = openReplica({
      disk: head.disk,
      self: name,
      clock: { ...this.clock, now: () => this.clock.now() + head.aheadMs },
      monotonic: () => this.clock.now() + head.stoodMs,
      dice: () => this.#dice(),
      note: () => {},
      later,
      send: (to, message) => this.#send(name, to, message),
      fetchSnapshot: async (from, offer) => {
        this.fetches++;
        const { path } = this.heads.get(from)!.replica.snapshot()!;
        if (!this.fetchable()) throw new Error('the link fell');
        return { ...offer, path };
      },
      onRole: (news) => head.news.push(news),
      onApplied: (changes) => head.changes.push(...changes.map(({ key }) => key)),
      onReplaced: () => head.replaced++,
      onBroken: ({ text }) => head.broken.push(text),
    });
    return head;
  }

  /** Ends a head as a power cut does. */
  crash(name: string): void {
    const head = this.heads.get(name)!;
    head.up = false;
    head.place.crash();
    this.#wire = this.#wire.filter(({ from, to }) => from !== name && to !== name);
    for (const other of this.heads.values())
      if (other !== head && other.up) other.replica.unlinked(name);
  }

  restart(name: string): Head {
    const head = this.open(name);
    for (const other of this.heads.values())
      if (other !== head && other.up) {
        other.replica.linked(name);
        head.replica.linked(other.name);
      }
    return head;
  }

  /** Cuts a head off from all others, both ways. */
  isolate(name: string): void {
    for (const other of this.heads.keys()) {
      if (other === name) continue;
      this.cut.add(`${name}>${other}`).add(`${other}>${name}`);
    }
  }

  heal(): void {
    this.cut.clear();
  }

  /** Lets time pass until it is so. */
  async until(what: string, isSo: () => boolean, withinMs = 20_000): Promise<void> {
    for (let ms = 0; ms < withinMs; ms += 5) {
      await this.#settle();
      if (isSo()) return;
      this.clock.pass(5);
    }
    const states = [...this.heads.values()].map(
      ({ name, up, replica, broken }) =>
        `${name} ${up} ${broken} ${JSON.stringify(replica.status())}`,
    );
    throw new Error(`never: ${what}\n${states.join('\n')}`);
  }

  async pass(ms: number): Promise<void> {
    let passed = 0;
    await this.until('the time has passed', () => passed++ * 5 >= ms, ms + 10);
  }

  /** The one ready leader of the latest term among those that are up. */
  get leader(): Head | undefined {
    return [...this.heads.values()]
      .filter(({ up, news }) => up && news.at(-1)?.ready)
      .toSorted((a, b) => b.news.at(-1)!.term - a.news.at(-1)!.term)[0];
  }

  async elected(): Promise<Head> {
    await this.until('a leader that is ready', () => this.leader !== undefined);
    return this.leader!;
  }

  storeOf({ replica, news }: Head): Store {
    return replica.leaderStore(news.at(-1)!.term);
  }

  async commit(store: Store, ...changes: Change[]): Promise<Outcome> {
    let outcome: Outcome | undefined;
    store.commit(changes, (told) => {
      outcome = told;
    });
    await this.until('the outcome of a commit', () => outcome !== undefined);
    return outcome!;
  }

  /** Adds a head to the group, up to its vote. */
  async join(name: string): Promise<Head> {
    const head = this.open(name, true);
    for (const what of ['add', 'promote'] as const) {
      let done = false;
      await this.until(`${name}: ${what}`, () => {
        if (!done)
          this.leader?.replica.change({ do: what, node: name }, (outcome) => {
            if (outcome === 'done' || outcome === 'member') done = true;
          });
        return done;
      });
    }
    return head;
  }

  keysOf({ replica }: Head): string[] {
    return replica.range({ from: '', to: '\u{10ffff}', limit: 10_000 }).map(([key]) => key);
  }

  /** Whether all heads that are up have applied as much as the leader. */
  get agree(): boolean {
    const all = [...this.heads.values()]
      .filter(({ up }) => up)
      .map(({ replica }) => replica.status());
    const last = this.leader?.replica.status().lastIndex;
    return all.every(({ applied }) => applied === last);
  }

  #send(from: string, to: string, message: HeadMessage): boolean {
    this.heads.get(from)!.sent.push(message.kind);
    if (!this.heads.get(to)?.up) return false;
    if (!this.cut.has(`${from}>${to}`))
      this.#wire.push({ from, to, message: structuredClone(message) });
    return true;
  }

  async #settle(): Promise<void> {
    for (let idle = 0; idle < 3; ) {
      const task = this.#tasks.shift();
      const sent = this.#wire.shift();
      if (task) task();
      if (sent && this.heads.get(sent.to)?.up)
        this.heads.get(sent.to)!.replica.receive(sent.from, sent.message);
      idle = task || sent ? 0 : idle + 1;
      if (!task && !sent) await new Promise(setImmediate);
    }
  }

  #dice(): number {
    this.#seed = (this.#seed * 48_271) % 2_147_483_647;
    return this.#seed / 2_147_483_647;
  }
}
