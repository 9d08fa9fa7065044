import type { Lead } from '../../../src/actors/lead.ts';
import type { World } from '../world.ts';

/** Whom workers obey: nobody acts for a head that was deposed, once its successor was heard. */
export class Obedience {
  readonly #world: World;
  /** The term that a head said last to a worker, and the newest that the worker went by. */
  readonly #said = new Map<string, number>();
  readonly #newest = new Map<string, number>();

  constructor(world: World) {
    this.#world = world;
  }

  /** A head says to a worker in which term it leads. */
  hears(worker: string, head: string, term: number): void {
    const key = `${worker} ${head}`;
    this.#said.set(key, Math.max(term, this.#said.get(key) ?? 0));
  }

  /** A worker has it on its disk whom it follows. */
  believes(worker: string, { term }: Lead): void {
    this.#newest.set(worker, Math.max(term, this.#newest.get(worker) ?? 0));
  }

  /** A worker takes an order. */
  takes(worker: string, head: string, order: string): void {
    const term = this.#said.get(`${worker} ${head}`) ?? 0;
    const newest = this.#newest.get(worker) ?? 0;
    const text = (): string => `${worker} takes ${order} of ${head} in ${term}, after ${newest}`;
    this.#world.check('nobody acts for a deposed head', term >= newest, text);
    this.#newest.set(worker, Math.max(term, newest));
  }
}
