import type { Monotonic } from '../../consensus/model.ts';
import { limits } from '../../protocol/limits.ts';
import type { Cancel, Clock } from '../../runtime/ports.ts';

export type TickerHost = {
  readonly clock: Clock;
  readonly monotonic: () => Monotonic;
  /** When the next tick is due, or never. */
  readonly dueAt: () => Monotonic;
  readonly tick: () => void;
  /** The loop was late by so many ms: what was not heard meanwhile was not silent. */
  readonly late: (ms: number) => void;
};

/** Ticks when it is due, and notices when the loop could not. */
export class Ticker {
  readonly #host: TickerHost;
  #timer: { readonly at: Monotonic; readonly cancel: Cancel } | undefined;

  constructor(host: TickerHost) {
    this.#host = host;
  }

  /** To be called whenever the next tick may be due earlier. */
  arm(): void {
    const { clock, monotonic, dueAt } = this.#host;
    const at = dueAt();
    if (at === Number.POSITIVE_INFINITY || (this.#timer && this.#timer.at <= at)) return;
    this.#timer?.cancel();
    const ms = Math.max(0, Math.ceil(at - monotonic()));
    this.#timer = { at, cancel: clock.timer(ms, () => this.#due()) };
  }

  /** To be called before anything that was heard is taken for news. */
  look(): void {
    const ms = this.#host.monotonic() - (this.#timer?.at ?? Number.POSITIVE_INFINITY);
    if (ms <= limits.raftLateMs) return;
    this.stop();
    this.#host.late(ms);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #due(): void {
    this.look();
    this.stop();
    if (this.#host.monotonic() >= this.#host.dueAt()) this.#host.tick();
    this.arm();
  }
}
