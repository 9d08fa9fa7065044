import { nasty } from '../../ports/manners.ts';
import type { Faults } from '../node.ts';
import type { World } from '../world.ts';

/** How bad each thing may be, from seed to seed: some days have only one kind of trouble. */
export function troubles(world: World) {
  const { dice } = world;
  const some = (most: number): number => (dice.chance(0.4) ? 0 : most * dice.roll());
  const faults: Faults = {
    commitCrash: some(0.02),
    commitFail: some(0.02),
    turnCrash: some(0.02),
    moody: dice.pick(['', '', 'scheduler', 'cluster', 'job', 'node', 'runner', 'session', 'gate']),
    diskMs: dice.pick([10, 40, 400]),
    lost: some(0.05),
    siteCrash: 0,
  };
  // One day in seven jobs save themselves and machines are taken back: it takes no dice of others.
  const isSpotDay = world.seed % 7 === 2;
  const heads = dice.chance(0.3) ? dice.pick([3, 3, 3, 5]) : 1;
  const site = {
    ...nasty,
    lost: some(nasty.lost),
    ghost: some(nasty.ghost * 2),
    lying: some(nasty.lying),
    refusing: some(nasty.refusing),
    stale: some(nasty.stale),
    failing: some(nasty.failing),
    evicting: isSpotDay ? 0.5 : 0,
  };
  return {
    isSpotDay,
    faults,
    site,
    heads,
    cuts: dice.between(0, heads > 1 ? 30 : 14),
    crashes: dice.between(0, 10),
    latencyMs: dice.pick([10, 40, 400, heads > 1 ? 1_000 : 4_000]),
    /** Heads come, go and hand over while all else happens. */
    changes: heads > 1 && dice.chance(0.5) ? dice.between(1, 4) : 0,
    /** The leader is cut off from the other heads, and from nobody else. */
    isolations: heads > 1 ? dice.between(0, 5) : 0,
    transfers: heads > 1 && dice.chance(0.5) ? dice.between(1, 4) : 0,
    /** A host that was given to us burns down; an operator says so, some time later. */
    isHostLost: dice.chance(0.2),
  };
}

export type Troubles = ReturnType<typeof troubles>;
