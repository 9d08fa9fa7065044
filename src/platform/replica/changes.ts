import type { ChangeOutcome } from './replica-port.ts';
import type { Waits } from './waits.ts';

export type ChangeThen = (outcome: ChangeOutcome) => void;

/** Changes of the group, and the handing over, that a leadership has under way. */
export class Changes {
  readonly #waits: Waits;
  readonly #changing = new Set<ChangeThen>();
  #transferring: ChangeThen | undefined;

  constructor(waits: Waits) {
    this.#waits = waits;
  }

  /** A change stands in the log at an index. */
  appended(index: number, applied: number, then: ChangeThen): void {
    this.#changing.add(then);
    this.#waits.until(index, applied, (ok) => {
      if (this.#changing.delete(then)) then(ok ? 'done' : 'unknown');
    });
  }

  /** It is being handed over; the one returned ends that as unknown, if nothing else did. */
  transferring(then: ChangeThen): () => void {
    this.#transferring = then;
    return () => {
      if (this.#transferring === then) this.#transferred('unknown');
    };
  }

  /** The leadership is over. */
  end(): void {
    for (const then of [...this.#changing]) {
      this.#changing.delete(then);
      then('unknown');
    }
    this.#transferred('done');
  }

  #transferred(outcome: ChangeOutcome): void {
    const then = this.#transferring;
    this.#transferring = undefined;
    then?.(outcome);
  }
}
