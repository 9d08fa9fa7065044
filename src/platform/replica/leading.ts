import { limits } from '../../protocol/limits.ts';
import type { Store } from '../../runtime/ports.ts';
import { type Batch, type Host, Leadership } from './leadership.ts';

export type LeadingHost = Omit<Host, 'wake'> & {
  /** Whether proposals would be taken now. */
  readonly mayPropose: () => boolean;
  readonly propose: (batches: readonly Batch[]) => void;
};

/** The leadership that a head has now, if it has one, and what of it is proposed when. */
export class Leading {
  readonly #host: LeadingHost;
  readonly #leaderships: Host;
  #now: Leadership | undefined;
  #woken = false;

  constructor(host: LeadingHost) {
    this.#host = host;
    this.#leaderships = { ...host, wake: () => this.wake() };
  }

  /** The leadership of now. */
  get now(): Leadership | undefined {
    return this.#now;
  }

  /** The store of the leadership of a term; if that is over, one whose commits end unknown. */
  store(term: number): Store {
    if (this.#now?.term === term) return this.#now;
    const over = new Leadership(term, this.#leaderships);
    over.end();
    return over;
  }

  /** This head leads in a term. */
  begin(term: number): void {
    this.#now ??= new Leadership(term, this.#leaderships);
  }

  /** This head leads no more, or in a later term. */
  end(): void {
    this.#now?.end();
    this.#now = undefined;
  }

  /** Proposes what waits once what runs now is through, so that what it leads to comes along. */
  wake(): void {
    if (this.#woken || this.#now === undefined) return;
    this.#woken = true;
    this.#host.later(() => this.#propose());
  }

  #propose(): void {
    this.#woken = false;
    const proposalsMax = this.#host.hasOthers() ? limits.raftProposalsMax : 1;
    while (this.#host.mayPropose()) {
      const batches = this.#now?.take(proposalsMax);
      if (batches === undefined) return;
      this.#host.propose(batches);
    }
  }
}
