import type { Dice } from '../../src/consensus/messages.ts';
import { membersOf } from '../../src/consensus/view.ts';
import { passUntil, pick, type World } from './history.ts';
import { compactTo, crash, type Head, happen, start } from './world.ts';

/** What may befall a head at any moment. */
type Deed = (world: World, head: Head) => void;

const other = ({ dice, heads }: World, head: Head): Head =>
  pick(dice, heads.length === 1 ? heads : heads.filter((one) => one !== head));

const leaderOr = ({ heads, dice }: World, head: Head): Head =>
  pick(dice, [...heads.filter(({ raft }) => raft?.role.is === 'leader'), head]);

function propose(world: World, head: Head): void {
  world.value += 1;
  happen(leaderOr(world, head), { kind: 'propose' }, world.around, world.value);
}

function read(world: World, head: Head): void {
  readAt(world, leaderOr(world, head));
}

function readAt(world: World, head: Head): void {
  world.value += 1;
  happen(head, { kind: 'read', id: world.value }, world.around);
}

function fall(world: World, head: Head): void {
  if (head.raft === undefined) return start(head, world.around);
  crash(head);
  tellOf(world, head, 'lost');
  if (world.dice() < 0.5) start(head, world.around);
}

function tellOf(world: World, head: Head, kind: 'lost' | 'found'): void {
  for (const one of world.heads) {
    if (one === head || world.dice() < 0.3) continue;
    happen(one, { kind, peer: head.name }, world.around);
  }
}

/** Cuts a head off from all others, or one way to one of them, and some notice. */
function cutOff(world: World, head: Head): void {
  const whole = world.dice() < 0.6;
  const target = world.dice() < 0.6 ? leaderOr(world, head) : head;
  for (const one of whole ? world.heads : [other(world, target)]) {
    if (one === target) continue;
    world.cuts.add(`${one.name}>${target.name}`);
    if (whole || world.dice() < 0.3) world.cuts.add(`${target.name}>${one.name}`);
  }
  if (world.dice() < 0.7) tellOf(world, target, 'lost');
}

function heal(world: World, head: Head): void {
  world.cuts.clear();
  tellOf(world, head, 'found');
}

/** Mostly a change that makes sense. */
function change(world: World, head: Head): void {
  const { dice, heads } = world;
  const leader = leaderOr(world, head);
  if (leader.raft === undefined) return;
  const { voters, learners } = membersOf(leader.raft);
  const outside = heads.map(({ name }) => name).filter((name) => !voters.includes(name));
  const kinds = [
    ...outside.map((node) => ({ do: learners.includes(node) ? 'promote' : 'add', node }) as const),
    ...[...voters, ...learners].map((node) => ({ do: 'remove', node }) as const),
    { do: pick(dice, ['add', 'promote', 'remove'] as const), node: pick(dice, heads).name },
  ];
  happen(leader, { kind: 'members', change: pick(dice, kinds) }, world.around);
}

function handOver(world: World, head: Head): void {
  const to = pick(world.dice, world.heads).name;
  happen(leaderOr(world, head), { kind: 'transfer', to }, world.around);
}

function forget(world: World, head: Head): void {
  const { base, applied } = head.memory;
  const upTo = base.index + Math.ceil(world.dice() * (applied.index - base.index));
  if (head.raft !== undefined && upTo > base.index) compactTo(head, upTo, world.around);
}

/** The leader is cut off, others take over, and there is much to read and to write meanwhile. */
function coup(world: World, head: Head): void {
  const { dice, heads, cuts, around } = world;
  const old = leaderOr(world, head);
  if (dice() < 0.3) {
    happen(old, { kind: 'transfer', to: other(world, old).name }, around);
    passUntil(world, world.now + dice() * 20);
  }
  const inTurn = dice() < 0.5 ? dice() * 80 : 0;
  for (const { name } of heads) {
    cuts.add(`${name}>${old.name}`).add(`${old.name}>${name}`);
    passUntil(world, world.now + dice() * inTurn);
  }
  if (dice() < 0.3) {
    const one = other(world, old);
    crash(one);
    start(one, around);
  }
  for (const one of heads) {
    if (one !== old && dice() < 0.8) happen(one, { kind: 'lost', peer: old.name }, around);
  }
  for (let i = 0; i < 40; i += 1) {
    passUntil(world, world.now + dice() * 16);
    propose(world, head);
    for (const one of heads) if (one.raft?.role.is === 'leader') readAt(world, one);
  }
}

/** The leader reaches one head only, and falls with what just that one has; others go on. */
function stumble(world: World, head: Head): void {
  const { dice, heads, cuts, around } = world;
  const leader = leaderOr(world, head);
  const heir = other(world, leader);
  for (const { name } of heads) if (name !== heir.name) cuts.add(`${leader.name}>${name}`);
  if (dice() < 0.3) change(world, leader);
  else happen(leader, { kind: 'propose' }, around, ++world.value);
  passUntil(world, world.now + dice() * 30);
  crash(leader);
  cuts.clear();
  for (const one of heads) {
    if (one !== leader && one !== heir) happen(one, { kind: 'lost', peer: leader.name }, around);
  }
  if (dice() < 0.7) start(leader, around);
}

function late(world: World, head: Head): void {
  happen(head, { kind: 'late', ms: 150 }, world.around);
}

/** What fate may do, and how often beside the others. */
const deeds: readonly (readonly [Deed, number])[] = [
  [propose, 20],
  [read, 14],
  [fall, 3],
  [cutOff, 2],
  [heal, 3],
  [change, 9],
  [handOver, 1],
  [forget, 3],
  [late, 1],
  [coup, 2],
  [stumble, 2],
];

/** Fate has moods: in each history it does some things never, and others far more often. */
export function moodOf(dice: Dice): readonly Deed[] {
  return deeds.flatMap(([deed, often]) => {
    const times = deed === propose ? 1 : pick(dice, [0, 1, 1, 4]);
    return Array<Deed>(often * times).fill(deed);
  });
}
