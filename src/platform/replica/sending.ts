import type { Monotonic } from '../../consensus/model.ts';
import type { Raft } from '../../consensus/state.ts';
import { standing, wants } from '../../consensus/view.ts';
import type { Millis, Note } from '../../runtime/ports.ts';
import type { HeadMessage, Offer } from './messages.ts';
import type { ReplicaDisk, Snapshot } from './ports.ts';
import { isCopying } from './status.ts';

export type SnapshotHost = {
  readonly disk: ReplicaDisk;
  readonly note: Note;
  readonly now: () => Millis;
  readonly monotonic: () => Monotonic;
  readonly raft: () => Raft;
  readonly send: (to: string, message: HeadMessage) => boolean;
  /** Copies an offered snapshot to this machine. */
  readonly fetch: (from: string, offer: Offer) => Promise<Snapshot>;
  /** Puts one that was fetched in the place of all there is. */
  readonly install: (snapshot: Snapshot) => Promise<void>;
};

/** Snapshots of a head: those it makes for others, one at a time, and the one it takes. */
export class Snapshots {
  readonly #host: SnapshotHost;
  #latest: Snapshot | undefined;
  #making = 0;
  /** It is of no earlier entry than this. */
  #makingFrom = 0;
  #taking = false;
  /** When the last one was made or installed here, or 0. */
  lastAt = 0;

  constructor(host: SnapshotHost) {
    this.#host = host;
  }

  /** The newest one that was made, for those who fetch it. */
  get latest(): Snapshot | undefined {
    return this.#latest;
  }

  /** After which entry the log is still needed by a head that is being sent a snapshot. */
  get needed(): number {
    const { raft, monotonic } = this.#host;
    if (!isCopying(raft(), monotonic())) return Number.POSITIVE_INFINITY;
    if (this.#making > 0) return this.#makingFrom;
    return this.#latest?.index ?? Number.POSITIVE_INFINITY;
  }

  /** Offers a head one from which the log goes on; the core repeats this until it has it. */
  offer(to: string): void {
    const raft = this.#host.raft();
    if (!isCopying(raft, this.#host.monotonic(), to)) return;
    if (this.#latest === undefined || this.#latest.index < this.#host.disk.kept.base.index) {
      if (this.#making === 0)
        this.make().catch((error: unknown) => {
          const why = { error: String(error) };
          this.#host.note('warn', '/raft', 'a snapshot could not be made', why);
        });
      return;
    }
    const { index, term, at, members, bytes, sha256 } = this.#latest;
    const leaderTerm = raft.hard.term;
    this.#host.send(to, { kind: 'offer', leaderTerm, index, term, at, members, bytes, sha256 });
  }

  /** Takes an offer of the leader, unless it is taking one already, or has as much. */
  take(from: string, offer: Offer): void {
    if (this.#taking || !isWanted(this.#host.raft(), from, offer)) return;
    this.#taking = true;
    const { fetch, install, note, now } = this.#host;
    fetch(from, offer)
      .then(install)
      .then(
        () => {
          this.lastAt = now();
          note('info', '/raft', 'installed a snapshot', { from, index: offer.index });
        },
        (error: unknown) =>
          note('warn', '/raft', 'a snapshot was not installed', { from, error: String(error) }),
      )
      .finally(() => {
        this.#taking = false;
      });
  }

  /** Makes one now, for whoever wants a copy. Throws `Failed`. */
  async make(): Promise<Snapshot> {
    const { disk, now } = this.#host;
    if (this.#making++ === 0) this.#makingFrom = disk.kept.base.index;
    try {
      const made = await disk.snapshot();
      this.#latest = made;
      this.lastAt = now();
      return made;
    } finally {
      this.#making--;
    }
  }
}

function isWanted(raft: Raft, from: string, offer: Offer): boolean {
  const { role, leader, term } = standing(raft);
  const follows = (role === 'follower' || role === 'learner') && leader === from;
  return follows && term === offer.leaderTerm && wants(raft, offer);
}
