import type { Millis } from '../../../src/runtime/ports.ts';
import type { Network } from '../network.ts';
import type { Life } from '../node.ts';

/** The name of the node that has an address. */
export const nameAt = (address: string): string => address.split(':', 1)[0] ?? '';
export const addressOf = (name: string): string => `${name}:10001`;

/** Dials the heads that a node wants links to, and keeps on for as long as it lives. */
export class Dials {
  readonly #network: Network;
  readonly #life: Life;
  readonly #pauseMs: () => Millis;
  /** Whether a link is there, or being made. */
  readonly #wanted = new Map<string, boolean>();

  constructor(network: Network, life: Life, pauseMs: () => Millis) {
    this.#network = network;
    this.#life = life;
    this.#pauseMs = pauseMs;
  }

  /** Whom to dial from now on. */
  set(addresses: readonly string[]): void {
    const names = addresses.map(nameAt);
    for (const name of this.#wanted.keys())
      if (!names.includes(name)) {
        this.#wanted.delete(name);
        this.#network.cut(this.#life.port.name, name, 'reset', 0);
      }
    for (const name of names) {
      if (this.#wanted.has(name)) continue;
      this.#wanted.set(name, false);
      this.#dial(name);
    }
  }

  /** Whom to dial besides. */
  add(addresses: readonly string[]): void {
    this.set([...[...this.#wanted.keys()].map(addressOf), ...addresses]);
  }

  /** A link is lost. */
  down(name: string): void {
    if (this.#wanted.get(name) !== true) return;
    this.#wanted.set(name, false);
    this.#dial(name);
  }

  #dial(name: string): void {
    if (this.#wanted.get(name) !== false) return;
    const done = this.#life.guard((up: boolean) => {
      if (!this.#wanted.has(name)) return;
      if (!up) return this.#again(name);
      // Whatever came down at once is dialled anew.
      this.#wanted.set(name, this.#network.isLinked(this.#life.port.name, name));
      if (this.#wanted.get(name) === false) this.#again(name);
    });
    this.#network.dial(this.#life.port, name, done);
  }

  #again(name: string): void {
    this.#life.clock.timer(this.#pauseMs(), () => this.#dial(name));
  }
}
