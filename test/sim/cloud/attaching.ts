import type { Gate } from '../../../src/actors/ports.ts';
import { Failed } from '../../../src/protocol/errors.ts';
import type { Millis } from '../../../src/runtime/ports.ts';
import { Dice } from '../dice.ts';
import type { SimNode } from '../node.ts';
import type { World } from '../world.ts';

/** Some seeds have a site whose machines do not join by themselves; the others keep their days. */
export const isAttaching = ({ seed }: World): boolean => [0, 5, 9].includes(seed % 11);

/**
 * Machines that somebody must make nodes: it takes its time, fails, is refused for good now and
 * then, and what was attached is cut. Its dice are its own.
 */
export class Attaching {
  readonly #world: World;
  readonly #dice: Dice;
  readonly #isKind: () => boolean;
  readonly #waiting = new Map<string, SimNode>();
  readonly #there = new Set<string>();

  constructor(world: World, isKind: () => boolean) {
    this.#world = world;
    this.#dice = new Dice(world.seed ^ 0xa77ac4);
    this.#isKind = isKind;
  }

  /** A machine is there, with a worker that is not started yet. */
  booted(name: string, worker: SimNode): void {
    this.#waiting.set(name, worker);
    this.#there.add(name);
  }

  gone(name: string): void {
    this.#waiting.delete(name);
    this.#there.delete(name);
  }

  readonly attach: NonNullable<Gate['attach']> = async ({ node }, told, signal) => {
    told('Waiting for ssh provisioning port');
    await this.#takes(100, 30_000, signal);
    if (!this.#there.has(node) || this.#rolls(0.2)) throw unreachable(node);
    if (this.#rolls(0.01)) throw new Failed('refused', `${node} is another host`);
    told('Uploading the worker');
    await this.#takes(100, 10_000, signal);
    if (this.#rolls(0.1)) throw unreachable(node);
    const worker = this.#waiting.get(node);
    this.#waiting.delete(node);
    worker?.start();
    told('Waiting for Sky Port port readiness');
    for (;;) {
      await this.#takes(1_000, 120_000, signal);
      if (!this.#there.has(node) || this.#rolls(0.1)) throw unreachable(node);
    }
  };

  #rolls(chance: number): boolean {
    return !this.#isKind() && this.#dice.chance(chance);
  }

  #takes(min: Millis, max: Millis, signal: AbortSignal): Promise<void> {
    const { clock } = this.#world;
    return new Promise((resolve, reject) => {
      clock.timer(this.#dice.skewed(min, max), () => {
        if (signal.aborted) reject(new Failed('timeout', 'given up'));
        else resolve();
      });
    });
  }
}

const unreachable = (node: string): Failed => new Failed('unreachable', `${node} is cut off`);
