import type { Effect, Event } from '../../src/consensus/events.ts';
import type { Dice, Message, Settings } from '../../src/consensus/messages.ts';
import { begin, step } from '../../src/consensus/raft.ts';
import type { Raft } from '../../src/consensus/state.ts';
import { wants } from '../../src/consensus/view.ts';
import {
  applyUpTo,
  compactUpTo,
  type Disk,
  installed,
  keptOf,
  type Line,
  lineAt,
  write,
} from './disk.ts';

/** A head that is up, or down while `raft` is undefined. */
export type Head = {
  readonly name: string;
  raft: Raft | undefined;
  life: number;
  /** What is durable; what is written, durable or not; and the writes between them. */
  disk: Disk;
  memory: Disk;
  queue: readonly Queued[];
  installing: boolean;
};

type Queued = { readonly disk: Disk; readonly write?: number; readonly installs?: boolean };

/** What travels: a message with its entries, or a snapshot, which is a disk. */
export type Parcel = {
  readonly from: string;
  readonly to: string;
  readonly message?: Message;
  readonly lines: readonly Line[];
  readonly snapshot?: Disk;
};

/** What the tests hook in: time, the wire, and those who watch. */
export type Around = {
  now(head: Head): number;
  readonly dice: Dice;
  readonly settings: Settings;
  send(parcel: Parcel): void;
  /** After each step, with what was there before it. */
  stepped(head: Head, before: Raft, event: Event, effects: readonly Effect[]): void;
  committed(head: Head, line: Line): void;
};

export const newHead = (name: string, disk: Disk): Head => ({
  name,
  raft: undefined,
  life: 0,
  disk,
  memory: disk,
  queue: [],
  installing: false,
});

/** Starts a head from what its disk has. */
export function start(head: Head, around: Around): void {
  head.life += 1;
  head.memory = head.disk;
  head.queue = [];
  head.installing = false;
  head.raft = begin(keptOf(head.disk), head.name, around.settings, around.now(head));
  happen(head, { kind: 'tick' }, around);
}

/** Loses all that is not durable. */
export function crash(head: Head): void {
  head.raft = undefined;
  head.queue = [];
  head.memory = head.disk;
}

/** Lets an event happen to a head, and does what follows from it. `value`: of what is proposed. */
export function happen(head: Head, event: Event, around: Around, value = 0): void {
  const before = head.raft;
  if (before === undefined) return;
  const [after, effects] = step(before, event, around.now(head), around.dice);
  head.raft = after;
  const lines = event.kind === 'heard' ? ((event.entries ?? []) as readonly Line[]) : [];
  const perform = (effect: Effect) => performOne(head, effect, { around, lines, value });
  for (const effect of effects) if (effect.kind === 'persist') perform(effect);
  around.stepped(head, before, event, effects);
  for (const effect of effects) if (effect.kind !== 'persist') perform(effect);
}

type With = { readonly around: Around; readonly lines: readonly Line[]; readonly value: number };

function performOne(head: Head, effect: Effect, { around, lines, value }: With): void {
  switch (effect.kind) {
    case 'persist': {
      const hard = effect.hard ?? head.memory.hard;
      const given = (index: number) => lines.find((line) => line.index === index)?.value;
      const entries = effect.entries.map((entry) => ({
        ...entry,
        value: given(entry.index) ?? (entry.kind === 'batch' ? value : 0),
      }));
      head.memory = { ...write(head.memory, entries), hard };
      head.queue = [...head.queue, { disk: head.memory, write: effect.write }];
      return;
    }
    case 'send':
      return around.send(parcel(head, effect.to, effect.message));
    case 'commit': {
      const from = head.memory.applied.index + 1;
      for (let index = from; index <= effect.index; index += 1) {
        const line = lineAt(head.memory, index);
        if (line === undefined) throw new Error(`${head.name} commits ${index} and has it not`);
        around.committed(head, line);
      }
      if (from <= effect.index) head.memory = applyUpTo(head.memory, effect.index);
      head.queue = [...head.queue, { disk: head.memory }];
      return;
    }
    case 'snapshot':
      return around.send({ from: head.name, to: effect.to, lines: [], snapshot: head.memory });
  }
}

/** A message, with the entries that it names. */
function parcel(head: Head, to: string, message: Message): Parcel {
  const lines: Line[] = [];
  if (message.kind === 'append') {
    for (let index = message.prev.index + 1; index <= message.upTo; index += 1) {
      const line = lineAt(head.memory, index);
      if (line === undefined) throw new Error(`${head.name} sends ${index} and has it not`);
      lines.push(line);
    }
  }
  return { from: head.name, to, message, lines };
}

/** The oldest write becomes durable. */
export function flush(head: Head, around: Around): void {
  const [first, ...queue] = head.queue;
  if (first === undefined || head.raft === undefined) return;
  head.disk = first.disk;
  head.queue = queue;
  if (first.write !== undefined) happen(head, { kind: 'stored', write: first.write }, around);
  if (first.installs !== true) return;
  head.installing = false;
  happen(head, { kind: 'installed', kept: keptOf(first.disk) }, around);
}

/** A parcel arrives. */
export function receive(head: Head, { from, message, lines, snapshot }: Parcel, a: Around): void {
  if (snapshot !== undefined) return install(head, snapshot);
  if (message === undefined) return;
  if (head.installing && lines.length > 0) return;
  happen(head, { kind: 'heard', from, message, entries: lines }, a);
}

function install(head: Head, snapshot: Disk): void {
  const { raft } = head;
  if (raft === undefined || head.installing || !wants(raft, snapshot.applied)) return;
  head.installing = true;
  head.memory = installed(head.memory, snapshot);
  head.queue = [...head.queue, { disk: head.memory, installs: true }];
}

/** Forgets entries that are applied. */
export function compactTo(head: Head, upTo: number, around: Around): void {
  if (head.installing || upTo > head.memory.applied.index) return;
  head.memory = compactUpTo(head.memory, upTo);
  head.queue = [...head.queue, { disk: head.memory }];
  happen(head, { kind: 'compacted', upTo }, around);
}
