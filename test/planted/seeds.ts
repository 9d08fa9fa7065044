import { play } from '../consensus/random.ts';
import { troubles } from '../sim/cloud/troubles.ts';
import { live } from '../sim/seed.ts';
import { World } from '../sim/world.ts';

/**
 * Plays seeds until one finds something out, and says which: `seeds.ts RUN FROM COUNT`. With
 * `several` as RUN, days on which there is one head are passed over.
 */
const [run, from, count] = process.argv.slice(2);

async function found(seed: number): Promise<string> {
  if (run === 'consensus') return play(seed).invariant ?? '';
  if (run === 'several' && troubles(new World(seed)).heads === 1) return '';
  return (await live(seed)).invariant;
}

for (let seed = Number(from); seed < Number(from) + Number(count); seed++) {
  const invariant = await found(seed);
  if (invariant === '') continue;
  process.stdout.write(`seed=${seed} invariant=${invariant}\n`);
  break;
}
