/** Chance that is no chance: a seed is all that is needed to see a bad day again. */
export class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 to below 1 (splitmix32: any seed is good, also 0 and its neighbours). */
  roll(): number {
    this.#state = (this.#state + 0x9e3779b9) >>> 0;
    let x = this.#state;
    x = Math.imul(x ^ (x >>> 16), 0x21f0aaad);
    x = Math.imul(x ^ (x >>> 15), 0x735a2d97);
    return ((x ^ (x >>> 15)) >>> 0) / 2 ** 32;
  }

  chance(share: number): boolean {
    return share > 0 && this.roll() < share;
  }

  /** A whole number, both ends included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.roll() * (max - min + 1));
  }

  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new Error('nothing to pick from');
    return list[this.between(0, list.length - 1)] as T;
  }

  /** Mostly near `min`, now and then up to `max`: how long most things take. */
  skewed(min: number, max: number): number {
    return Math.floor(min + (max - min) * this.roll() ** 4);
  }
}
