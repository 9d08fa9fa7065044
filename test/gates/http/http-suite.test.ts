import { gateSuite } from '../../ports/gate.suite.ts';
import type { Asked, Mischief } from './gate-service.ts';
import { type HttpWorld, httpWorld } from './gate-world.ts';

/** Each world is closed by asking whether its service was used as it may be. */
const judged = async (making: Promise<HttpWorld>): Promise<HttpWorld> => {
  const world = await making;
  const close = async (): Promise<void> => {
    await world.close();
    if (world.service.wrongs.length > 0) throw new Error(world.service.wrongs.join('\n'));
  };
  return { ...world, close };
};

const tagless = { keepsTags: false, drawsIds: true };
gateSuite(
  'a gate service for openstack',
  () => judged(httpWorld({ provider: 'openstack', count: 'extra' })),
  tagless,
);
gateSuite(
  'a gate service for azure, slow to boot and to remove',
  () => judged(httpWorld({ provider: 'azure', bootMs: 30, removeMs: 30, slashes: true })),
  { keepsTags: false, drawsIds: false },
);

/** Numbers that look thrown, the same in each run. */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const tricks: readonly Mischief[] = [
  { is: 'cut' },
  { is: 'deaf' },
  { is: 'deaf' },
  { is: 'late', ms: 20 },
  { is: 'says', status: 500, body: 'Internal Server Error' },
  { is: 'says', status: 500, body: { detail: 'Cannot say' }, isDone: true },
  { is: 'says', status: 200, body: { error: ['a line\n', 'and another\n'], partition: null } },
  { is: 'says', status: 200, body: 'no JSON', isDone: true },
];

gateSuite(
  'a gate service that answers late, wrongly or not at all',
  async () => {
    const provider = 'openstack';
    const world = await judged(httpWorld({ provider, bootMs: 10, hiddenMs: 40, removeMs: 20 }));
    const roll = dice(7);
    world.service.mischief = (_: Asked) =>
      roll() < 0.25 ? tricks[Math.floor(roll() * tricks.length)] : undefined;
    return world;
  },
  tagless,
);
