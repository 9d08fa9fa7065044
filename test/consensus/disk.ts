import type { Heading } from '../../src/consensus/messages.ts';
import type { HardState, Kept, Position, TermRun } from '../../src/consensus/model.ts';
import type { Group } from '../../src/consensus/state.ts';

/** An entry whose bytes are a number. */
export type Line = Heading & { readonly value: number };

/** What a head of the tests has on its disk: a value, so that a crash is to take an older one. */
export type Disk = {
  readonly hard: HardState;
  readonly base: Position;
  readonly lines: readonly Line[];
  readonly applied: Position;
  /** The group as of `applied`. */
  readonly group: Group;
  /** The values applied: what a snapshot carries. */
  readonly records: readonly number[];
};

export const emptyDisk = (voters: readonly string[]): Disk => ({
  hard: { term: 0, vote: '' },
  base: { index: 0, term: 0 },
  lines: [],
  applied: { index: 0, term: 0 },
  group: { voters, learners: [], index: 0 },
  records: [],
});

export const lastIndex = (disk: Disk): number => disk.base.index + disk.lines.length;

/** The entry at an index, if it is kept. */
export const lineAt = (disk: Disk, index: number): Line | undefined =>
  disk.lines[index - disk.base.index - 1];

/** Whether the disk has an entry, or what came of it. */
export function holds(disk: Disk, { index, term }: Position): boolean {
  if (index <= disk.applied.index) return true;
  return lineAt(disk, index)?.term === term;
}

/** Puts lines in a row at the index of the first, and forgets what was there. */
export function write(disk: Disk, lines: readonly Line[]): Disk {
  const first = lines[0];
  if (first === undefined) return disk;
  if (first.index > lastIndex(disk) + 1) throw new Error(`a gap before ${first.index}`);
  return { ...disk, lines: [...disk.lines.slice(0, first.index - disk.base.index - 1), ...lines] };
}

/** Applies what is kept up to an index. */
export function applyUpTo(disk: Disk, index: number): Disk {
  const lines = disk.lines.slice(disk.applied.index - disk.base.index, index - disk.base.index);
  const last = lines.at(-1);
  if (last === undefined || last.index !== index) throw new Error(`no entry ${index} to apply`);
  const changed = lines.findLast(({ members }) => members !== undefined);
  const group = changed === undefined ? disk.group : { ...changed.members!, index: changed.index };
  const values = lines.filter(({ kind }) => kind === 'batch').map(({ value }) => value);
  const applied = { index, term: last.term };
  return { ...disk, applied, group, records: [...disk.records, ...values] };
}

/** Forgets the entries up to an index. */
export function compactUpTo(disk: Disk, upTo: number): Disk {
  const line = lineAt(disk, upTo);
  if (line === undefined) return disk;
  const base = { index: upTo, term: line.term };
  return { ...disk, base, lines: disk.lines.slice(upTo - disk.base.index) };
}

/** What another head's disk has applied, with the own term and vote. */
export const installed = (disk: Disk, snapshot: Disk): Disk => ({
  hard: disk.hard,
  base: snapshot.applied,
  lines: [],
  applied: snapshot.applied,
  group: snapshot.group,
  records: snapshot.records,
});

/** What a head finds when it starts from a disk. */
export function keptOf(disk: Disk): Kept {
  const terms: TermRun[] = [];
  for (const { index, term } of disk.lines) {
    if (terms.at(-1)?.term !== term) terms.push({ index, term });
  }
  const later = disk.lines.flatMap(({ index, members }) =>
    members !== undefined && index > disk.applied.index ? [{ ...members, index }] : [],
  );
  return {
    hard: disk.hard,
    base: disk.base,
    terms,
    last: lastIndex(disk),
    applied: { ...disk.applied, at: 0 },
    members: [disk.group, ...later],
  };
}
