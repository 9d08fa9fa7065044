import type { Dice } from '../../src/consensus/messages.ts';
import { usual } from '../../src/consensus/messages.ts';
import { dueAt } from '../../src/consensus/view.ts';
import { emptyDisk } from './disk.ts';
import { newWatch, type Watch, watchCommit, watchStep } from './invariants.ts';
import {
  type Around,
  crash,
  flush,
  type Head,
  happen,
  newHead,
  type Parcel,
  receive,
  start,
} from './world.ts';

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
  /** How likely a head falls just when a write is due. */
  readonly falls: number;
  /** Whose disk is slower than those of the others. */
  readonly slowest: string;
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

/** One of a list. */
export const pick = <T>(dice: Dice, list: readonly T[]): T =>
  list[Math.floor(dice() * list.length)]!;

/** The group as it begins, and what the place is like. */
export function newWorld(seed: number): World {
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
    falls: pick(dice, [0, 0.01, 0.03, 0.1]),
    slowest: pick(dice, heads).name,
    value: 0,
    steps: 0,
    snapshots: 0,
    around: {
      now: ({ name }) => clockOf(world, name),
      dice,
      settings: {
        ...usual,
        leaseMs: pick(dice, [0, usual.leaseMs]),
        appendEntriesMax: pick(dice, [1, 4]),
        inFlightMax: pick(dice, [1, 4]),
        promoteLagMax: 6,
      },
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
    const isLate = dice() < (parcel.snapshot === undefined ? 0.03 : 0.5);
    const late = !calm && isLate ? dice() * 900 : 0;
    const at = now + 0.2 + dice() * (calm ? 2 : delayMs) + late;
    world.wire.push({ at, head, parcel });
  }
}

/** Lets time pass. */
export function passUntil(world: World, until: number): void {
  while (advance(world, until));
}

/** What is next: a parcel, a tick or a write, if it comes before `until`. */
function advance(world: World, until: number): boolean {
  let at = until;
  let act: (() => void) | undefined;
  for (const due of world.wire) {
    if (due.at >= at) continue;
    at = due.at;
    act = () => {
      world.wire = world.wire.filter((other) => other !== due);
      receive(due.head, due.parcel, world.around);
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
      act = () => writeNext(world, head);
    }
  }
  world.now = Math.max(world.now, at);
  act?.();
  return act !== undefined;
}

/** The next write of a head is through, unless it falls right before, or right after. */
function writeNext(world: World, head: Head): void {
  const { dice, calm, disks, falls, around, now } = world;
  const isSlow = dice() < (head.name === world.slowest ? 0.5 : 0.05);
  const slow = !calm && isSlow ? dice() * 200 : 0;
  disks.set(head.name, now + dice() * 4 + slow);
  const falling = !calm && dice() < falls;
  if (!falling || dice() < 0.5) flush(head, around);
  if (!falling) return;
  crash(head);
  if (dice() < 0.8) start(head, around);
}
