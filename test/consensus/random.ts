import type { Dice } from '../../src/consensus/messages.ts';
import { usual } from '../../src/consensus/messages.ts';
import { dueAt, membersOf } from '../../src/consensus/view.ts';
import { emptyDisk } from './disk.ts';
import { deeds, pick } from './fate.ts';
import { Broken, newWatch, readyLeader, type Watch, watchCommit, watchStep } from './invariants.ts';
import {
  type Around,
  flush,
  type Head,
  happen,
  newHead,
  type Parcel,
  receive,
  start,
} from './world.ts';

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

type Due = { readonly at: number; readonly head: Head; readonly parcel: Parcel };

/** One history: a group of heads in a bad place, which then gets well. */
export type World = {
  now: number;
  calm: boolean;
  readonly dice: Dice;
  readonly heads: Head[];
  readonly around: Around;
  readonly watch: Watch;
  wire: Due[];
  /** Directed cuts, as `from>to`. */
  cuts: Set<string>;
  readonly loss: number;
  readonly delayMs: number;
  /** How the disk of a head is: when its next write is through. */
  readonly disks: Map<string, number>;
  /** The clock of a head: where it began, and how fast it runs. */
  readonly clocks: Map<string, { readonly from: number; readonly rate: number }>;
  value: number;
  steps: number;
  snapshots: number;
};

/** Mulberry32: small, fast, and the same everywhere. */
function diceOf(seed: number): Dice {
  let state = (seed * 0x9e3779b1) >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function newWorld(seed: number): World {
  const dice = diceOf(seed);
  const voters = ['a', 'b', 'c', 'd', 'e'].slice(0, 1 + Math.floor(dice() * 5));
  const spares = ['x', 'y'].slice(0, Math.floor(dice() * 3));
  const heads = [
    ...voters.map((name) => newHead(name, emptyDisk(voters))),
    ...spares.map((name) => newHead(name, emptyDisk([]))),
  ];
  const watch = newWatch();
  const clocks = heads.map(
    ({ name }) => [name, { from: dice() * 1e6, rate: 0.97 + dice() * 0.06 }] as const,
  );
  const world: World = {
    now: 0,
    calm: false,
    dice,
    heads,
    watch,
    wire: [],
    cuts: new Set(),
    loss: dice() < 0.5 ? 0 : dice() * 0.2,
    delayMs: dice() < 0.5 ? 2 : dice() * 60,
    disks: new Map(),
    clocks: new Map(clocks),
    value: 0,
    steps: 0,
    snapshots: 0,
    around: {
      now: ({ name }) => clockOf(world, name),
      dice,
      settings: { ...usual, appendEntriesMax: 4, inFlightMax: 4, promoteLagMax: 6 },
      send: (parcel) => send(world, parcel),
      stepped: (head, before, event, effects) => {
        world.steps += 1;
        if (event.kind === 'installed') world.snapshots += 1;
        watchStep(watch, heads, { head, before, event, effects });
      },
      committed: (head, line) => watchCommit(watch, head, line),
    },
  };
  return world;
}

function clockOf({ clocks, now }: World, name: string): number {
  const { from, rate } = clocks.get(name)!;
  return from + now * rate;
}

/** The moment at which the clock of a head shows a time. */
function momentOf({ clocks }: World, name: string, at: number): number {
  const { from, rate } = clocks.get(name)!;
  return (at - from) / rate;
}

function send(world: World, parcel: Parcel): void {
  const { dice, calm, delayMs, loss, heads, cuts, now } = world;
  const head = heads.find(({ name }) => name === parcel.to);
  if (head === undefined || cuts.has(`${parcel.from}>${parcel.to}`)) return;
  if (!calm && dice() < loss) return;
  const twice = !calm && dice() < 0.03 ? 2 : 1;
  for (let i = 0; i < twice; i += 1) {
    const late = !calm && dice() < 0.03 ? dice() * 900 : 0;
    const at = now + 0.2 + dice() * (calm ? 2 : delayMs) + late;
    world.wire.push({ at, head, parcel });
  }
}

/** What is next: a parcel, a tick, a write that is through, or the next deed of fate. */
function advance(world: World, until: number): boolean {
  let at = until;
  let act: (() => void) | undefined;
  for (const due of world.wire) {
    if (due.at >= at) continue;
    at = due.at;
    act = () => {
      world.wire = world.wire.filter((other) => other !== due);
      if (!world.cuts.has(`${due.parcel.from}>${due.head.name}`)) {
        receive(due.head, due.parcel, world.around);
      }
    };
  }
  for (const head of world.heads) {
    if (head.raft === undefined) continue;
    const tick = Math.max(world.now, momentOf(world, head.name, dueAt(head.raft)) + 0.01);
    if (tick < at) {
      at = tick;
      act = () => happen(head, { kind: 'tick' }, world.around);
    }
    const through = head.queue.length === 0 ? until : (world.disks.get(head.name) ?? 0);
    if (through < at) {
      at = through;
      act = () => {
        const slow = !world.calm && world.dice() < 0.1 ? world.dice() * 200 : 0;
        world.disks.set(head.name, world.now + world.dice() * 4 + slow);
        flush(head, world.around);
      };
    }
  }
  world.now = Math.max(world.now, at);
  act?.();
  return act !== undefined;
}

const troubledMs = 5_000;
const healedMs = 4_000;
const settledMs = 1_500;

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
  const paceMs = 2 + world.dice() * 40;
  while (world.now < troubledMs) {
    const until = world.now + world.dice() * paceMs * 2;
    while (advance(world, until));
    pick(world.dice, deeds)(world, pick(world.dice, world.heads));
  }
}

/** All heads are up and hear each other: one leads, commits, and is not disturbed any more. */
function calmDown(world: World): void {
  world.calm = true;
  world.cuts.clear();
  for (const head of world.heads) if (head.raft === undefined) start(head, world.around);
  const until = world.now + healedMs;
  while (advance(world, until));
  const leader = readyLeader(world.heads);
  if (leader === undefined) throw new Broken('healed-groups-lead', 'nobody leads');
  const { term } = leader.raft!.hard;
  world.value += 1;
  const before = world.watch.decided.length;
  happen(leader, { kind: 'propose' }, world.around, world.value);
  while (advance(world, until + settledMs));
  if (!world.watch.decided.slice(before).some(({ value }) => value === world.value)) {
    throw new Broken('healed-groups-commit', `${leader.name} in term ${term}`);
  }
  if (leader.raft?.role.is !== 'leader' || leader.raft.hard.term !== term) {
    throw new Broken('leaders-are-not-disturbed', `${leader.name} in term ${term}`);
  }
  const { voters, learners } = membersOf(leader.raft);
  for (const head of world.heads) {
    if (![...voters, ...learners].includes(head.name)) continue;
    if (head.memory.records.length === leader.memory.records.length) continue;
    throw new Broken('healed-groups-agree', `${head.name} lags behind ${leader.name}`);
  }
}
