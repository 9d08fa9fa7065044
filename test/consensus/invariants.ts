import type { Effect, Event } from '../../src/consensus/events.ts';
import type { Raft } from '../../src/consensus/state.ts';
import { membersOf, standing } from '../../src/consensus/view.ts';
import { holds, type Line } from './disk.ts';
import type { Head } from './world.ts';

/** A rule of Raft that did not hold. */
export class Broken extends Error {
  readonly invariant: string;
  constructor(invariant: string, text: string) {
    super(`${invariant}: ${text}`);
    this.invariant = invariant;
  }
}

function must(holdsTrue: boolean, invariant: string, text: () => string): void {
  if (!holdsTrue) throw new Broken(invariant, text());
}

/** All that was seen of a group since its beginning, to which each step is held. */
export type Watch = {
  readonly leaders: Map<number, string>;
  readonly votes: Map<string, string>;
  readonly lines: Map<string, string>;
  readonly decided: Line[];
  readonly reads: Map<number, number>;
  readsDone: number;
};

export const newWatch = (): Watch => ({
  leaders: new Map(),
  votes: new Map(),
  lines: new Map(),
  decided: [],
  reads: new Map(),
  readsDone: 0,
});

type Step = {
  readonly head: Head;
  readonly before: Raft;
  readonly event: Event;
  readonly effects: readonly Effect[];
};

/** Looks at one step of one head. */
export function watchStep(watch: Watch, heads: readonly Head[], one: Step): void {
  const { head, before, event, effects } = one;
  const raft = head.raft!;
  if (event.kind === 'read') watch.reads.set(event.id, watch.decided.length);
  if (raft.role.is === 'leader') watchLeader(watch, head, before);
  for (const effect of effects) {
    if (effect.kind === 'persist') watchLines(watch, head, before, effect.entries);
    if (effect.kind === 'readable') watchRead(watch, effect.id, effect.index);
    if (effect.kind === 'commit' && raft.role.is === 'leader') {
      watchQuorum(heads, raft, effect.index, head);
    }
    if (effect.kind === 'send') watchVote(watch, head, effect);
  }
  watchGroup(head, raft);
  must(raft.hard.term >= before.hard.term, 'terms-go-up', () => head.name);
}

function watchLeader(watch: Watch, head: Head, before: Raft): void {
  const { term } = head.raft!.hard;
  const name = `${head.name}#${head.life}`;
  const known = watch.leaders.get(term);
  must(known === undefined || known === name, 'one-leader-a-term', () => {
    return `${known} and ${name} in term ${term}`;
  });
  if (before.role.is === 'leader') return;
  watch.leaders.set(term, name);
  for (const line of watch.decided) {
    must(holds(head.memory, line), 'leaders-have-all-that-is-decided', () => {
      return `${name} leads term ${term} without ${line.index} of term ${line.term}`;
    });
  }
}

/** The same index and term is the same entry after the same one, wherever it is. */
function watchLines(watch: Watch, head: Head, before: Raft, entries: readonly object[]): void {
  const lines = head.memory.lines;
  const base = head.memory.base;
  for (let i = lines.length - entries.length; i < lines.length; i += 1) {
    const line = lines[i]!;
    const prev = i === 0 ? base.term : lines[i - 1]!.term;
    const place = `${line.index}:${line.term}`;
    const is = `${prev} ${line.kind} ${line.value} ${JSON.stringify(line.members ?? {})}`;
    const was = watch.lines.get(place);
    must(was === undefined || was === is, 'logs-match', () => `${place} is ${was} and ${is}`);
    watch.lines.set(place, is);
  }
  const first = lines[lines.length - entries.length];
  const leads = before.role.is === 'leader' && head.raft!.role.is === 'leader';
  const cuts = leads && first !== undefined && first.index !== before.log.last + 1;
  must(!cuts || entries.length === 0, 'leaders-append-only', () => `${head.name} cut`);
}

/** What a leader takes as decided would survive the crash of all heads, with most of the disks. */
function watchQuorum(heads: readonly Head[], raft: Raft, index: number, head: Head): void {
  const line = head.memory.lines.find((other) => other.index === index);
  if (line === undefined) return;
  const { voters } = membersOf(raft);
  const holding = heads.filter(({ name, disk }) => voters.includes(name) && holds(disk, line));
  must(holding.length > voters.length / 2, 'decided-is-durable', () => {
    return `${head.name} decides ${index}, which ${holding.length} of ${voters.length} hold`;
  });
}

/** The group that counts is that of the last change in the log, committed or not. */
function watchGroup({ memory, installing, name }: Head, raft: Raft): void {
  if (installing) return;
  const changed = memory.lines.findLast(({ members }) => members !== undefined)?.members;
  const { voters, learners } = changed ?? memory.group;
  const { voters: others, learners: learning } = membersOf(raft);
  const same = `${others} ${learning}` === `${voters} ${learners}`;
  must(same, 'groups-follow-the-log', () => `${name} has ${others}, not ${voters}`);
}

function watchVote(watch: Watch, head: Head, effect: Effect & { kind: 'send' }): void {
  const { to, message } = effect;
  if (message.kind !== 'voted' || message.pre || !message.granted) return;
  const key = `${head.name} in term ${message.term}`;
  const was = watch.votes.get(key);
  must(was === undefined || was === to, 'one-vote-a-term', () => `${key}: ${was} and ${to}`);
  watch.votes.set(key, to);
}

/** A read sees no less than what anybody knew as decided when it was asked. */
function watchRead(watch: Watch, id: number, index: number): void {
  const least = watch.reads.get(id);
  must(least !== undefined, 'reads-are-asked', () => `${id}`);
  must(index >= least!, 'reads-are-not-stale', () => `${index}, and ${least} was decided`);
  watch.reads.delete(id);
  watch.readsDone += 1;
}

/** An entry is applied by a head: it must be the one that was applied there by any other. */
export function watchCommit(watch: Watch, head: Head, line: Line): void {
  const was = watch.decided[line.index - 1];
  must(
    was === undefined || (was.term === line.term && was.value === line.value),
    'all-decide-the-same',
    () => `${head.name} applies ${line.index} of term ${line.term}, not ${was?.term}`,
  );
  if (was !== undefined) return;
  must(watch.decided.length === line.index - 1, 'all-decide-the-same', () => `a gap`);
  watch.decided.push(line);
}

/** Who leads, if just one head takes itself for the leader and has committed in its term. */
export function readyLeader(heads: readonly Head[]): Head | undefined {
  const ready = heads.filter(({ raft }) => raft !== undefined && standing(raft).ready);
  const terms = ready.map(({ raft }) => raft!.hard.term);
  return ready.find(({ raft }) => raft!.hard.term === Math.max(...terms));
}
