import type { Millis } from '../../../src/runtime/ports.ts';
import type { SimNode } from '../node.ts';
import type { World } from '../world.ts';
import { Client, type Promises } from './clients.ts';
import { script } from './script.ts';

/** What people want of swm in a morning: jobs of all sorts, and now and then not. */
export function plans(
  world: World,
  heads: () => readonly SimNode[],
  promises: Promises,
  untilMs: Millis,
  isSpotDay: boolean,
): void {
  const { dice } = world;
  const clients = ['ann', 'ben'].map((name) => new Client(world, heads, name, promises));
  // Whoever looks may do so at another head than whoever acts.
  const readers = ['olga', 'otto'].map(
    (name) => new Client(world, heads, name, promises, 'operator'),
  );
  // Some come alone, others all at once.
  const crowd = dice.between(0, untilMs / 2);
  const together = dice.roll();
  for (let i = 0; i < dice.between(4, 16); i++) {
    const client = dice.pick(clients);
    client.onAcknowledged = (id) => dice.pick(readers).show(id);
    const text = wish(world, isSpotDay ? ['#SWM checkpoint-interval 5'] : []);
    const at = dice.chance(together) ? crowd + dice.skewed(0, 500) : dice.between(0, untilMs / 2);
    world.in(at, () => {
      const id = client.submit(text);
      look(world, readers, id);
      if (dice.chance(0.25)) world.in(dice.skewed(100, 120_000), () => client.cancel(id));
      if (dice.chance(0.15)) world.in(dice.between(1_000, 200_000), () => client.requeue(id));
      if (dice.chance(0.05)) world.in(dice.between(1_000, 200_000), () => client.cancel(id));
      if (dice.chance(0.1)) world.in(dice.between(1_000, 600_000), () => client.purge(id));
    });
  }
}

/** Now and then somebody looks at a job, and somebody else soon after. */
function look(world: World, readers: readonly Client[], id: string): void {
  const { dice } = world;
  for (let i = dice.between(0, 3); i > 0; i--) {
    const at = dice.skewed(0, 120_000);
    world.in(at, () => dice.pick(readers).show(id));
    world.in(at + dice.skewed(0, 2_000), () => dice.pick(readers).show(id));
  }
}

function wish(world: World, always: readonly string[]): string {
  const { dice } = world;
  const lines: string[] = [...always];
  if (dice.chance(0.3)) lines.push('#SWM keep-resources');
  if (dice.chance(0.1)) lines.push('#SWM budget 0.01');
  if (dice.chance(0.3)) lines.push('#SWM account lab');
  if (dice.chance(0.4)) lines.push('#SWM relocatable');
  if (dice.chance(0.4)) lines.push(`#SWM cpus ${dice.between(2, 4)}`);
  if (dice.chance(0.2)) lines.push('#SWM nodes 2');
  if (dice.chance(0.2)) lines.push('#SWM ports 8888/tcp/in');
  if (dice.chance(0.3)) lines.push(`#SWM time ${dice.between(5, 60)}`);
  const ms = dice.chance(0.5) ? dice.between(50, 5_000) : dice.between(1_000, 90_000);
  const text = script(ms, dice.chance(0.8) ? 0 : dice.between(1, 99));
  const [first, ...rest] = text.split('\n');
  return [first, ...lines, ...rest].join('\n');
}
