import type { Heading } from './messages.ts';
import type { Kept, Position, TermRun } from './model.ts';
import type { Group, Log } from './state.ts';

/** The log as it was found on the disk. */
export const logOf = ({ base, terms, last, members }: Kept): Log => ({
  base,
  terms,
  last,
  groups: members,
});

/** The term of an entry, or of the base; -1 where nothing is kept. */
export function termAt(log: Log, index: number): number {
  if (index === log.base.index) return log.base.term;
  if (index < log.base.index || index > log.last) return -1;
  return log.terms.findLast((run) => run.index <= index)!.term;
}

/** Where the log ends. */
export const lastOf = (log: Log): Position => ({
  index: log.last,
  term: termAt(log, log.last),
});

/** The group that counts: the last one, whether or not it is committed. */
export const groupOf = (log: Log): Group => log.groups.at(-1)!;

/** Whether a log that ends there has all that this one has, as far as votes are concerned. */
export function upToDate(log: Log, other: Position): boolean {
  const own = lastOf(log);
  return other.term > own.term || (other.term === own.term && other.index >= own.index);
}

/** Puts entries in a row at the end. */
export function append(log: Log, entries: readonly Heading[]): Log {
  let term = termAt(log, log.last);
  const terms: TermRun[] = [];
  const groups: Group[] = [];
  for (const entry of entries) {
    if (entry.term !== term || entry.index === log.base.index + 1) {
      terms.push({ index: entry.index, term: entry.term });
    }
    term = entry.term;
    if (entry.members !== undefined) groups.push({ ...entry.members, index: entry.index });
  }
  return {
    base: log.base,
    terms: terms.length === 0 ? log.terms : [...log.terms, ...terms],
    last: log.last + entries.length,
    groups: groups.length === 0 ? log.groups : [...log.groups, ...groups],
  };
}

/** Forgets the entry at `from` and all after it, and with them the groups that they made. */
export const cut = (log: Log, from: number): Log => ({
  base: log.base,
  terms: log.terms.filter((run) => run.index < from),
  last: from - 1,
  groups: log.groups.filter((group) => group.index < from),
});

/** Forgets the entries up to `upTo`, which are applied. */
export function compact(log: Log, upTo: number): Log {
  if (upTo <= log.base.index) return log;
  const base = { index: upTo, term: termAt(log, upTo) };
  const later = log.terms.filter((run) => run.index > upTo + 1);
  const first = { index: upTo + 1, term: termAt(log, upTo + 1) };
  return { ...log, base, terms: log.last === upTo ? [] : [first, ...later] };
}

/** Forgets the groups before the one that counts at `committed`: no cut reaches them. */
export function settle(log: Log, committed: number): Log {
  const at = log.groups.findLastIndex((group) => group.index <= committed);
  return at <= 0 ? log : { ...log, groups: log.groups.slice(at) };
}

/**
 * The last place at or before `position` whose term is no later than its: two logs whose entries
 * at `position` differ cannot agree after it. One exchange of it skips a whole term.
 */
export function lastFit(log: Log, position: Position): Position {
  let index = Math.min(position.index, log.last);
  for (const run of log.terms.toReversed()) {
    if (run.index > index) continue;
    if (run.term <= position.term) return { index, term: run.term };
    index = run.index - 1;
  }
  return log.base;
}
