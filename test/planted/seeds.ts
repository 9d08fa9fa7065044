import { play } from '../consensus/random.ts';
import { troubles } from '../sim/cloud/troubles.ts';
import { live } from '../sim/seed.ts';
import { World } from '../sim/world.ts';

/**
 * Plays seeds until one finds something out, and says which: `seeds.ts RUN FROM COUNT`. RUN is
 * `consensus`, `rush`, `day`, or `several`, which passes over days on which there is one head.
 */
const [run, from, count] = process.argv.slice(2);

async function found(seed: number): Promise<string> {
  if (run === 'consensus') return play(seed).invariant ?? '';
  if (run === 'several' && troubles(new World(seed)).heads === 1) return '';
  return (await live(seed, run === 'rush' ? 'rush' : 'day')).invariant;
}

for (let seed = Number(from); seed < Number(from) + Number(count); seed++) {
  const invariant = await found(seed);
  if (invariant === '') continue;
  process.stdout.write(`seed=${seed} invariant=${invariant}\n`);
  break;
}
