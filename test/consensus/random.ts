import { calmDown } from './calm.ts';
import { moodOf } from './fate.ts';
import { newWorld, passUntil, pick, type World } from './history.ts';
import { Broken } from './invariants.ts';
import { start } from './world.ts';

/** What came of one seed: how much happened, or what broke. */
export type Outcome = {
  readonly seed: number;
  readonly steps: number;
  readonly decided: number;
  readonly terms: number;
  readonly reads: number;
  readonly snapshots: number;
  readonly changes: number;
  readonly broken?: string;
  readonly invariant?: string;
};

const troubledMs = 5_000;

/** Plays one seed to its end. */
export function play(seed: number): Outcome {
  const world = newWorld(seed);
  const { watch } = world;
  let broken: { readonly broken: string; readonly invariant: string } | undefined;
  try {
    trouble(world);
    calmDown(world);
  } catch (error) {
    const invariant = error instanceof Broken ? error.invariant : 'nothing-is-thrown';
    broken = { broken: `at ${world.now.toFixed(1)}: ${String(error)}`, invariant };
  }
  const { steps, snapshots } = world;
  const { decided, leaders, readsDone: reads } = watch;
  const changes = decided.filter(({ kind }) => kind === 'members').length;
  const counts = { decided: decided.length, terms: leaders.size, reads, snapshots, changes };
  return { seed, steps, ...counts, ...broken };
}

function trouble(world: World): void {
  for (const head of world.heads) start(head, world.around);
  const mood = moodOf(world.dice);
  const paceMs = 2 + world.dice() * 40;
  while (world.now < troubledMs) {
    passUntil(world, world.now + world.dice() * paceMs * 2);
    pick(world.dice, mood)(world, pick(world.dice, world.heads));
  }
}
