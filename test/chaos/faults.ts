import { setTimeout as sleep } from 'node:timers/promises';
import type { Dice } from '../sim/dice.ts';
import type { Group } from './group.ts';
import type { NodeProcess } from './node-process.ts';

/** What befell the group in a round. */
export type Fault = {
  readonly name: FaultName;
  /** Whether the head that led was hit, so that another had to lead before work went on. */
  readonly hitsLeader: boolean;
  /** Does it; resolves when it is done. */
  strike(): Promise<void>;
  /** Takes it back; resolves when all processes run again. */
  heal(): Promise<void>;
};

export const faultNames = [
  'leader killed',
  'leader stopped',
  'leader cut off',
  'leader in the dark',
  'leader is not heard',
  'leader does not hear',
  'follower killed',
  'follower cut off',
  'worker killed',
  'worker cut off',
  'all heads killed',
] as const;
export type FaultName = (typeof faultNames)[number];

/** Each once before any comes again: those that hit the leader more often, the rarest last. */
export function drawFaults(dice: Dice): () => FaultName {
  const often: readonly FaultName[] = faultNames.filter((name) => name !== 'all heads killed');
  let bag: FaultName[] = [];
  let bags = 0;
  return () => {
    if (bag.length === 0) {
      bags += 1;
      bag = [...often, 'leader killed', 'leader stopped'];
      for (let at = bag.length - 1; at > 0; at--) {
        const other = dice.between(0, at);
        [bag[at], bag[other]] = [bag[other]!, bag[at]!];
      }
      if (bags % 2 === 1) bag.unshift('all heads killed');
    }
    return bag.pop() as FaultName;
  };
}

export async function faultOf(group: Group, name: FaultName, dice: Dice): Promise<Fault> {
  const { switchboard, heads, workers } = group;
  const leader = await group.leader();
  const follower = dice.pick(heads.filter((head) => head !== leader));
  const worker = dice.pick(workers);
  const hitsLeader = name.startsWith('leader') || name === 'all heads killed';
  const of = (strike: () => Promise<void>, heal: () => Promise<void>): Fault => ({
    ...{ name, hitsLeader, strike, heal },
  });
  const cut = (node: Named, ways: Ways, how: 'reset' | 'dark') =>
    of(
      async () => cutOff(group, node, ways, how),
      async () => {
        await sleep(dice.between(500, 4_000));
        switchboard.heal();
      },
    );
  const killed = (nodes: readonly NodeProcess[]) =>
    of(
      async () => void (await Promise.all(nodes.map((node) => node.signal('SIGKILL')))),
      async () => {
        await sleep(dice.between(200, 1_500));
        await Promise.all(nodes.map((node) => node.start()));
      },
    );
  switch (name) {
    case 'leader killed':
      return killed([leader]);
    case 'follower killed':
      return killed([follower]);
    case 'worker killed':
      return killed([worker]);
    case 'all heads killed':
      return killed(heads);
    case 'leader cut off':
      return cut(leader, 'both', 'reset');
    case 'leader in the dark':
      return cut(leader, 'both', 'dark');
    case 'leader is not heard':
      return cut(leader, 'out', 'dark');
    case 'leader does not hear':
      return cut(leader, 'in', 'dark');
    case 'follower cut off':
      return cut(follower, 'both', dice.pick(['reset', 'dark']));
    case 'worker cut off':
      return cut(worker, 'both', dice.pick(['reset', 'dark']));
    case 'leader stopped':
      return of(
        () => leader.signal('SIGSTOP'),
        async () => {
          await sleep(dice.between(300, 3_000));
          await leader.signal('SIGCONT');
        },
      );
  }
}

type Ways = 'in' | 'out' | 'both';
type Named = { readonly name: string };

/** What a node says arrives nowhere, or what it is told does not arrive, or both. */
function cutOff(
  { switchboard, heads, workers }: Group,
  { name }: Named,
  ways: Ways,
  how: 'reset' | 'dark',
): void {
  for (const { name: other } of [...heads, ...workers]) {
    if (other === name) continue;
    if (ways !== 'in') switchboard.cut(name, other, how);
    if (ways !== 'out') switchboard.cut(other, name, how);
  }
}
