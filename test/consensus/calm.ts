import { membersOf } from '../../src/consensus/view.ts';
import { passUntil, pick, type World } from './history.ts';
import { Broken, readyLeader } from './invariants.ts';

import { type Head, happen, start } from './world.ts';

const healedMs = 3_000;

/** All heads are up and hear each other: the group gets well, and stays so. */
export function calmDown(world: World): void {
  world.calm = true;
  world.cuts.clear();
  for (const head of world.heads) if (head.raft === undefined) start(head, world.around);
  passUntil(world, world.now + healedMs);
  const leader = readyLeader(world.heads);
  if (leader === undefined) throw new Broken('healed-groups-lead', 'nobody leads');
  const { term } = leader.raft!.hard;
  commitOne(world, leader);
  agree(world, leader);
  disturb(world, leader);
  if (leader.raft?.role.is !== 'leader' || leader.raft.hard.term !== term) {
    throw new Broken('leaders-are-not-disturbed', `${leader.name} in term ${term}`);
  }
  commitOne(world, leader);
  isolate(world, leader);
}

function commitOne(world: World, leader: Head): void {
  world.value += 1;
  const { value, watch } = world;
  const before = watch.decided.length;
  happen(leader, { kind: 'propose' }, world.around, value);
  for (let tries = 0; tries < 20; tries += 1) {
    passUntil(world, world.now + 500);
    if (watch.decided.slice(before).some((line) => line.value === value)) return;
  }
  throw new Broken('healed-groups-commit', `${leader.name} commits no ${value}`);
}

function agree({ heads }: World, leader: Head): void {
  const { voters, learners } = membersOf(leader.raft!);
  for (const { name, memory } of heads) {
    if (![...voters, ...learners].includes(name)) continue;
    if (memory.records.length === leader.memory.records.length) continue;
    throw new Broken('healed-groups-agree', `${name} lags behind ${leader.name}`);
  }
}

/** One head loses its link to the leader for a moment, then another all its links for a second. */
function disturb(world: World, leader: Head): void {
  const { heads, around, dice } = world;
  const { voters } = membersOf(leader.raft!);
  const others = heads.filter((head) => head !== leader);
  if (others.length === 0 || (voters.length < 3 && voters.length > 1)) return;
  const blinking = pick(dice, others);
  happen(blinking, { kind: 'lost', peer: leader.name }, around);
  passUntil(world, world.now + 300);
  happen(blinking, { kind: 'found', peer: leader.name }, around);
  const alone = pick(dice, others);
  cutFromAll(world, alone);
  passUntil(world, world.now + 1_000);
  world.cuts.clear();
  passUntil(world, world.now + 1_000);
}

function cutFromAll({ heads, cuts }: World, head: Head): void {
  for (const { name } of heads) cuts.add(`${name}>${head.name}`).add(`${head.name}>${name}`);
}

/** A leader that hears of nobody any more does not take itself for one. */
function isolate(world: World, leader: Head): void {
  const needsOthers = membersOf(leader.raft!).voters.length > 1;
  cutFromAll(world, leader);
  passUntil(world, world.now + 500);
  const leads = leader.raft?.role.is === 'leader';
  if (leads !== needsOthers) return;
  throw new Broken('leaders-have-followers', `${leader.name} ${leads ? 'leads' : 'does not lead'}`);
}
