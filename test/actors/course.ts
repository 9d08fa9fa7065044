import { withClaim, without } from '../../src/actors/scheduler/holds.ts';
import type { Proposed } from '../../src/actors/scheduler/land.ts';
import type { Run } from '../../src/actors/scheduler/past.ts';
import type { ClusterNews } from '../../src/actors/scheduler/scheduler.ts';
import { defaultPolicy } from '../../src/protocol/policy.ts';
import type { Dice } from '../sim/dice.ts';
import { Wondering, waits } from './foresight.ts';
import { idOf, job, node } from './pictures.ts';
import { AT, STEP } from './worlds.ts';

/** A small installation in virtual time: jobs come, run for as long as dice say, and end. */

const USERS = ['ann', 'ben'] as const;

/** Ann asks for far more time than she needs, Ben for a little more. */
const partOf = (dice: Dice, owner: string): number => {
  const by = dice.between(0, 1_000_000) / 1_000_000;
  return owner === 'ann' ? 0.05 + 0.4 * by : 0.6 + 0.4 * by;
};

/** What has ended before: as what is to come will. */
export const past = (dice: Dice, count: number): readonly Run[] =>
  Array.from({ length: count }, () => {
    const owner = dice.pick(USERS);
    return { owner, askedMs: 100 * STEP, tookMs: 100 * STEP * partOf(dice, owner) };
  });

export class Course {
  readonly wondering = new Wondering({ policy: defaultPolicy, relocate: 'asked', remotes: [] }, AT);
  readonly started = new Map<string, number>();
  readonly #dice: Dice;
  #news: ClusterNews;
  #ends: { readonly at: number; readonly id: string }[] = [];
  #came = 0;
  now = AT;

  constructor(dice: Dice) {
    this.#dice = dice;
    const nodes = Array.from({ length: 4 }, (_, i) => node(`n${i}`, 4));
    this.#news = {
      ...{ cluster: 'here', open: true, claimed: null, made: null, holds: [] },
      nodes: nodes.map(({ cluster: _, ...each }) => ({ ...each, ports: [...each.ports] }) as never),
    };
    this.#tell();
  }

  /** A job comes; its id. */
  come(): string {
    const dice = this.#dice;
    this.#came += 1;
    const owner = dice.pick(USERS);
    const asked = { cpus: dice.between(1, 4), walltimeMs: STEP * dice.between(10, 120) };
    const spec = { ...asked, memoryBytes: 0, nodes: dice.chance(0.8) ? 1 : 2 };
    const made = job(this.#came, spec, { owner, submittedAt: this.now });
    this.wondering.hear('scheduler.job', waits(made), this.now);
    return made.id;
  }

  waiting(): readonly string[] {
    const all = Array.from({ length: this.#came }, (_, i) => idOf(i + 1));
    return all.filter((id) => !this.started.has(id));
  }

  /** Passes, and lets each who got a place have it. */
  pass(): void {
    this.wondering.pass(this.now);
    for (const [id, proposed] of this.wondering.state.proposed) this.#start(id, proposed);
  }

  #start(id: string, proposed: Proposed): void {
    const { owner = '', walltimeMs = 0 } = proposed.tenure ?? {};
    this.started.set(id, this.now);
    this.#news = withClaim(this.#news, id, proposed);
    this.#tell();
    this.wondering.hear('scheduler.job', { id, waits: null }, this.now);
    this.#ends.push({ at: this.now + walltimeMs * partOf(this.#dice, owner), id });
    this.#ends.sort((a, b) => a.at - b.at);
  }

  /** To when the next one ends; it is gone then. */
  goOn(): void {
    const next = this.#ends.shift();
    if (next === undefined) throw new Error('nothing runs');
    this.now = next.at;
    this.#news = without(this.#news, next.id);
    this.#tell();
    this.pass();
  }

  #tell(): void {
    this.wondering.hear('scheduler.cluster', this.#news, this.now);
  }
}
