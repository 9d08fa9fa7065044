import type { Event } from '../../src/consensus/events.ts';
import { type Settings, usual } from '../../src/consensus/messages.ts';
import { dueAt } from '../../src/consensus/view.ts';
import { emptyDisk } from './disk.ts';
import { newWatch, watchCommit, watchStep } from './invariants.ts';
import { describeEffect, describeHead } from './transcript.ts';
import {
  type Around,
  compactTo,
  crash,
  flush,
  type Head,
  happen,
  newHead,
  type Parcel,
  receive,
  start,
} from './world.ts';

/** A group that moves only as a script says. */
type Stage = {
  now: number;
  readonly heads: Head[];
  readonly around: Around;
  wire: readonly Parcel[];
  readonly cuts: Set<string>;
  lines: string[];
  settings: Settings;
  /** Whether messages are written down, too. */
  loud: boolean;
};

/**
 * Plays a script: lines that begin with `>` are commands, and what comes of each stands below it.
 * Returns the whole as it should read. Every rule of Raft is watched at every step besides.
 */
export function playScript(text: string): string {
  const stage = newStage();
  const out: string[] = [];
  for (const line of text.split('\n')) {
    if (line.startsWith('  ')) continue;
    out.push(line);
    if (!line.startsWith('> ')) continue;
    const [verb = '', ...words] = line.slice(2).split(' ');
    const command = commands[verb];
    if (command === undefined) throw new Error(`no command ${verb}`);
    stage.loud = true;
    command(stage, words);
    out.push(...stage.lines.map((told) => `  ${told}`));
    stage.lines = [];
  }
  return out.join('\n');
}

function newStage(): Stage {
  const heads: Head[] = [];
  const watch = newWatch();
  const stage: Stage = {
    now: 1_000,
    heads,
    wire: [],
    cuts: new Set(),
    lines: [],
    settings: usual,
    loud: true,
    around: {
      now: () => stage.now,
      dice: () => 0.5,
      get settings() {
        return stage.settings;
      },
      send: (parcel) => {
        if (!stage.cuts.has(`${parcel.from}>${parcel.to}`)) stage.wire = [...stage.wire, parcel];
      },
      stepped: (head, before, event, effects) => {
        for (const effect of effects) {
          const told = describeEffect(head, effect);
          if (told !== '' && (stage.loud || effect.kind !== 'send')) stage.lines.push(told);
        }
        watchStep(watch, heads, { head, before, event, effects });
      },
      committed: (head, line) => watchCommit(watch, head, line),
    },
  };
  return stage;
}

function headOf({ heads }: Stage, name: string | undefined): Head {
  const head = heads.find((one) => one.name === name);
  if (head === undefined) throw new Error(`no head ${name}`);
  return head;
}

/** All that is under way arrives, and all that is written is durable, until nothing moves. */
function settle(stage: Stage): void {
  stage.loud = false;
  for (;;) {
    const writing = stage.heads.find(({ queue, raft }) => raft !== undefined && queue.length > 0);
    if (writing !== undefined) flush(writing, stage.around);
    else if (stage.wire.length > 0) deliver(stage, stage.wire[0]!);
    else return;
  }
}

function deliver(stage: Stage, parcel: Parcel): void {
  stage.wire = stage.wire.filter((other) => other !== parcel);
  if (!stage.cuts.has(`${parcel.from}>${parcel.to}`)) {
    receive(headOf(stage, parcel.to), parcel, stage.around);
  }
}

/** Time passes; whoever has something to do does it, and the wire and the disks are fast. */
function pass(stage: Stage, ms: number): void {
  const until = stage.now + ms;
  for (;;) {
    settle(stage);
    const up = stage.heads.filter(({ raft }) => raft !== undefined);
    const next = up.reduce((a, b) => (dueAt(b.raft!) < dueAt(a.raft!) ? b : a), up[0]!);
    if (dueAt(next.raft!) > until) break;
    stage.now = Math.max(stage.now, dueAt(next.raft!));
    happen(next, { kind: 'tick' }, stage.around);
  }
  stage.now = until;
}

/** Time passes until a head stands, while all others sleep. */
function campaign(stage: Stage, name: string): void {
  const head = headOf(stage, name);
  stage.now = Math.max(stage.now, dueAt(head.raft!));
  happen(head, { kind: 'tick' }, stage.around);
}

function on(stage: Stage, way: string): readonly Parcel[] {
  return stage.wire.filter(({ from, to }) => `${from}>${to}` === way);
}

const tell = (stage: Stage, name: string | undefined, event: Event, value = 0): void =>
  happen(headOf(stage, name), event, stage.around, value);

function heads(stage: Stage, words: readonly string[]): void {
  const learning = words.indexOf('learning');
  const outside = words.indexOf('outside');
  const voters = words.slice(
    0,
    [learning, outside, words.length].find((at) => at >= 0),
  );
  const learners = learning < 0 ? [] : words.slice(learning + 1);
  const group = { voters, learners, index: 0 };
  for (const name of words.filter((word) => word !== 'learning' && word !== 'outside')) {
    const isIn = voters.includes(name) || learners.includes(name);
    stage.heads.push(newHead(name, isIn ? { ...emptyDisk([]), group } : emptyDisk([])));
  }
  for (const head of stage.heads) start(head, stage.around);
}

function cut(stage: Stage, [way = '']: readonly string[]): void {
  if (way.includes('>')) stage.cuts.add(way);
  else for (const { name } of stage.heads) stage.cuts.add(`${name}>${way}`).add(`${way}>${name}`);
}

const change = (what: 'add' | 'promote' | 'remove') => (stage: Stage, words: readonly string[]) =>
  tell(stage, words[0], { kind: 'members', change: { do: what, node: words[1] ?? '' } });

/** What a script can say; the first word is most often the head that it happens to. */
const commands: Readonly<Record<string, (stage: Stage, words: readonly string[]) => void>> = {
  heads,
  settle,
  cut,
  campaign: (stage, [name = '']) => campaign(stage, name),
  elect: (stage, [name = '']) => {
    stage.loud = false;
    campaign(stage, name);
    settle(stage);
  },
  entries: (stage, [appendEntriesMax]) => {
    stage.settings = { ...usual, appendEntriesMax: Number(appendEntriesMax) };
  },
  heal: ({ cuts }) => cuts.clear(),
  pass: (stage, [ms]) => pass(stage, Number(ms)),
  wait: (stage, [ms]) => {
    stage.now += Number(ms);
  },
  tick: (stage, [name]) => tell(stage, name, { kind: 'tick' }),
  propose: (stage, [name, ...values]) => {
    for (const value of values) tell(stage, name, { kind: 'propose' }, Number(value));
  },
  store: (stage, [name]) => {
    const head = headOf(stage, name);
    while (head.queue.length > 0) flush(head, stage.around);
  },
  deliver: (stage, [way = '', count]) => {
    for (const one of on(stage, way).slice(0, Number(count ?? 1_000))) deliver(stage, one);
  },
  again: (stage, [way = '']) => {
    const [first] = on(stage, way);
    if (first !== undefined) receive(headOf(stage, first.to), first, stage.around);
  },
  drop: (stage, [way = '']) => {
    stage.wire = stage.wire.filter((one) => !on(stage, way).includes(one));
  },
  crash: (stage, [name]) => crash(headOf(stage, name)),
  start: (stage, [name]) => start(headOf(stage, name), stage.around),
  read: (stage, [name, id]) => tell(stage, name, { kind: 'read', id: Number(id) }),
  transfer: (stage, [name, to = '']) => tell(stage, name, { kind: 'transfer', to }),
  lost: (stage, [name, peer = '']) => tell(stage, name, { kind: 'lost', peer }),
  found: (stage, [name, peer = '']) => tell(stage, name, { kind: 'found', peer }),
  late: (stage, [name]) => tell(stage, name, { kind: 'late', ms: 150 }),
  compact: (stage, [name, upTo]) => compactTo(headOf(stage, name), Number(upTo), stage.around),
  add: change('add'),
  promote: change('promote'),
  remove: change('remove'),
  log: (stage) => {
    for (const head of stage.heads) stage.lines.push(describeHead(head));
  },
};
