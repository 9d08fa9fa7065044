import type { Entry, Kept, Members, Position, TermRun } from '../../consensus/model.ts';
import { decodeMembers } from './entries.ts';
import type { Apply, Write } from './ports.ts';

/** What an empty disk begins with: of a head that is alone, or of one that waits to be added. */
export const nothingKept = (members: Members): Kept => ({
  hard: { term: 0, vote: '' },
  base: { index: 0, term: 0 },
  terms: [],
  last: 0,
  applied: { index: 0, term: 0, at: 0 },
  members: [{ ...members, index: 0 }],
});

/** What is kept after a write. A write that does not fit what was is a bug, and thrown. */
export function afterWrite(before: Kept, write: Write): Kept {
  let kept = write.hard ? { ...before, hard: write.hard } : before;
  if (write.entries && write.entries.length > 0) kept = appended(kept, write.entries);
  if (write.apply && write.apply.length > 0) kept = applied(kept, write.apply);
  return write.base ? cutBefore(kept, write.base) : kept;
}

function appended(kept: Kept, entries: readonly Entry[]): Kept {
  const first = entries[0]!.index;
  if (first <= kept.applied.index || first > kept.last + 1)
    throw new Error(`entry ${first} after ${kept.last}, of which ${kept.applied.index} is applied`);
  const terms = kept.terms.filter(({ index }) => index < first);
  const members = kept.members.filter(({ index }) => index < first);
  entries.forEach(({ index, term, kind, bytes }, n) => {
    if (index !== first + n) throw new Error(`entry ${index} is not in a row`);
    if (terms.at(-1)?.term !== term) terms.push({ index, term });
    if (kind === 'members') members.push({ ...decodeMembers(bytes), index });
  });
  const same = terms.length === kept.terms.length && terms.at(-1) === kept.terms.at(-1);
  return {
    ...kept,
    terms: same ? kept.terms : terms,
    last: entries.at(-1)!.index,
    members: sameList(members, kept.members) ? kept.members : members,
  };
}

function applied(kept: Kept, apply: readonly Apply[]): Kept {
  let { members } = kept;
  let at = kept.applied.index;
  for (const entry of apply) {
    if (entry.index !== ++at) throw new Error(`entry ${entry.index} is applied instead of ${at}`);
    if (entry.members && !members.some(({ index }) => index === entry.index))
      members = [...members, { ...entry.members, index: entry.index }];
  }
  const last = apply.at(-1)!;
  const current = members.findLastIndex(({ index }) => index <= last.index);
  return {
    ...kept,
    applied: { index: last.index, term: last.term, at: last.at },
    members: current > 0 ? members.slice(current) : members,
  };
}

function cutBefore(kept: Kept, base: Position): Kept {
  if (base.index < kept.base.index || base.index > kept.applied.index)
    throw new Error(`the log is cut at ${base.index}, and applied up to ${kept.applied.index}`);
  const last = Math.max(kept.last, base.index);
  return {
    ...kept,
    base: { index: base.index, term: base.term },
    last,
    terms: runsAfter(kept.terms, base, last),
  };
}

function runsAfter(terms: readonly TermRun[], base: Position, last: number): readonly TermRun[] {
  const first = base.index + 1;
  if (first > last) return terms.length === 0 ? terms : [];
  const current = terms.findLastIndex(({ index }) => index <= first);
  if (terms[current]?.index === first && current === 0) return terms;
  return [{ index: first, term: terms[current]!.term }, ...terms.slice(current + 1)];
}

const sameList = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((item, n) => item === b[n]);

/** The term of an entry that is kept, or of the position before them. */
export function termAt({ base, terms, last }: Kept, index: number): number {
  if (index === base.index) return base.term;
  const term = terms.findLast((run) => run.index <= index)?.term;
  if (term === undefined || index > last) throw new Error(`entry ${index} is not kept`);
  return term;
}
