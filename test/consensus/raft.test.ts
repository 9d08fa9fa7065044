import { describe, expect, it } from 'vitest';
import type { Effect, Event } from '../../src/consensus/events.ts';
import { type Heading, type Message, usual } from '../../src/consensus/messages.ts';
import type { Kept } from '../../src/consensus/model.ts';
import { begin, step } from '../../src/consensus/raft.ts';
import type { Raft } from '../../src/consensus/state.ts';
import { dueAt, membersOf, view, wants } from '../../src/consensus/view.ts';
import { Malformed } from '../../src/protocol/errors.ts';

const kept = (voters: readonly string[], learners: readonly string[] = []): Kept => ({
  hard: { term: 0, vote: '' },
  base: { index: 0, term: 0 },
  terms: [],
  last: 0,
  applied: { index: 0, term: 0, at: 0 },
  members: [{ voters, learners, index: 0 }],
});

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freeze);
  }
  return value;
}

/** Lets events happen to a frozen head one after the other; the effects are those of the last. */
function stepped(raft: Raft, ...events: readonly (Event | number)[]): [Raft, readonly Effect[]] {
  let now = 1_000;
  let made: readonly [Raft, readonly Effect[]] = [freeze(raft), []];
  for (const event of events) {
    if (typeof event === 'number') now += event;
    else made = step(freeze(made[0]), freeze(event), now, () => 0.5);
  }
  return [made[0], made[1]];
}

const heard = (from: string, message: Message, entries: readonly Heading[] = []): Event => ({
  kind: 'heard',
  from,
  message,
  entries,
});
const tick: Event = { kind: 'tick' };
const stored = (write: number): Event => ({ kind: 'stored', write });
const kinds = (effects: readonly Effect[]) => effects.map(({ kind }) => kind);

/** b, led by a in term 1, with two entries that are durable. */
function follower(): Raft {
  const entries: readonly Heading[] = [
    { index: 1, term: 1, kind: 'start' },
    { index: 2, term: 1, kind: 'batch' },
  ];
  const prev = { index: 0, term: 0 };
  const append = { kind: 'append', term: 1, prev, upTo: 2, committed: 1, round: 1 } as const;
  const raft = begin(kept(['a', 'b', 'c']), 'b', usual, 1_000);
  return stepped(raft, heard('a', append, entries), stored(1))[0];
}

/** a, which leads b and c in term 1. */
function leader(): Raft {
  const voted = { kind: 'voted', term: 1, granted: true, waitMs: 0 } as const;
  return stepped(
    begin(kept(['a', 'b', 'c']), 'a', usual, 1_000),
    200,
    tick,
    heard('b', { ...voted, pre: true }),
    stored(1),
    heard('b', { ...voted, pre: false }),
    stored(2),
  )[0];
}

const beat = (some: Partial<Message & { kind: 'append' }>): Message => ({
  kind: 'append',
  term: 1,
  prev: { index: 2, term: 1 },
  upTo: 2,
  committed: 1,
  round: 2,
  ...some,
});

describe('a head alone', () => {
  it('leads at once, after one write, and asks for no ticks', () => {
    const raft = begin(kept(['a']), 'a', usual, 1_000);
    expect(dueAt(raft)).toBe(1_000);
    const [standing, first] = stepped(raft, tick);
    expect(kinds(first)).toEqual(['persist', 'role']);
    const [ready, effects] = stepped(standing, stored(1), stored(2));
    expect(effects).toEqual([
      { kind: 'commit', index: 1 },
      { kind: 'role', role: 'leader', leader: 'a', term: 1, ready: true },
    ]);
    expect(dueAt(ready)).toBe(Number.POSITIVE_INFINITY);
  });

  it('may apply a batch in the write that appends it, but not what changes the group', () => {
    const ready = stepped(begin(kept(['a']), 'a', usual, 1_000), tick, stored(1), stored(2))[0];
    expect(stepped(ready, { kind: 'propose' })[1]).toEqual([
      {
        kind: 'persist',
        write: 3,
        entries: [{ index: 2, term: 1, kind: 'batch' }],
        alone: true,
      },
    ]);
    const change = { do: 'add', node: 'b' } as const;
    const [changed, effects] = stepped(ready, { kind: 'members', change });
    expect(effects[0]).toMatchObject({ kind: 'persist', alone: false });
    expect(membersOf(changed)).toEqual({ voters: ['a'], learners: ['b'] });
    const [, next] = stepped(changed, { kind: 'propose' });
    expect(next[0]).toMatchObject({ kind: 'persist', alone: false });
  });
});

describe('messages that no head would send', () => {
  const entry = { index: 3, term: 1, kind: 'batch' } as const;
  it.each<[string, Event]>([
    ['a gap', heard('a', beat({ upTo: 4 }), [{ ...entry, index: 4 }])],
    ['fewer entries than named', heard('a', beat({ upTo: 4 }), [entry])],
    ['more entries than named', heard('a', beat({}), [entry])],
    ['terms that go back', heard('a', beat({ upTo: 3 }), [{ ...entry, term: 0 }])],
    ['entries of a later term', heard('a', beat({ upTo: 3 }), [{ ...entry, term: 2 }])],
  ])('%s', (_, event) => {
    expect(() => stepped(follower(), event)).toThrow(Malformed);
  });

  it('answers for what was never sent', () => {
    const appended = { kind: 'appended', term: 1, matched: 1, round: 1 } as const;
    expect(() => stepped(leader(), heard('b', { ...appended, matched: 2 }))).toThrow(Malformed);
    expect(() => stepped(leader(), heard('b', { ...appended, round: 2 }))).toThrow(Malformed);
    expect(stepped(leader(), heard('x', { ...appended, matched: 2 }))[1]).toEqual([]);
  });
});

describe('what would break Raft ends the head', () => {
  it('two leaders in one term', () => {
    expect(() => stepped(follower(), heard('c', beat({})))).toThrow('two leaders');
    expect(() => stepped(leader(), heard('c', beat({})))).toThrow('two leaders');
  });

  it('another entry in the place of a decided one', () => {
    const prev = { index: 0, term: 0 };
    const message = beat({ term: 2, prev, upTo: 1 });
    const entries: readonly Heading[] = [{ index: 1, term: 2, kind: 'start' }];
    expect(() => stepped(follower(), heard('c', message, entries))).toThrow('is decided');
  });

  it('to forget what is not decided', () => {
    expect(stepped(follower(), { kind: 'compacted', upTo: 1 })[0].log.base.index).toBe(1);
    expect(() => stepped(follower(), { kind: 'compacted', upTo: 2 })).toThrow('not decided');
  });

  it('a snapshot in the place of entries that others may count on', () => {
    const at = { index: 2, term: 1 };
    const snapshot: Kept = {
      ...kept(['a', 'b', 'c']),
      base: at,
      last: 2,
      applied: { ...at, at: 0 },
    };
    expect(wants(follower(), at)).toBe(false);
    expect(wants(follower(), { index: 2, term: 2 })).toBe(true);
    expect(wants(follower(), { index: 1, term: 1 })).toBe(false);
    expect(wants(leader(), { index: 9, term: 9 })).toBe(false);
    expect(() => stepped(follower(), { kind: 'installed', kept: snapshot })).toThrow('not wanted');
  });
});

describe('the usual settings', () => {
  it('let a lease end before a vote may be given, though clocks drift, and a beat be lost', () => {
    expect(usual.leaseMs).toBeLessThanOrEqual(usual.electionMsMin * 0.9);
    expect(usual.leaseMs).toBeGreaterThan(3 * usual.beatMs);
    expect(usual.electionMsMin).toBeGreaterThan(3 * usual.beatMs);
    expect(usual.electionMsMax).toBeGreaterThanOrEqual(2 * usual.electionMsMin);
  });
});

describe('a late loop', () => {
  it('proves no silence: nobody stands, and no leader gives up', () => {
    const late: Event = { kind: 'late', ms: 400 };
    expect(stepped(follower(), 500, late, tick)[1]).toEqual([]);
    expect(view(stepped(leader(), 700, late, tick)[0]).role).toBe('leader');
    expect(view(stepped(leader(), 700, tick)[0]).role).toBe('follower');
  });
});

describe('a leader', () => {
  it('takes an answer in time that does not grow with the log', () => {
    const { log } = stepped(
      leader(),
      ...Array.from({ length: 500 }, (): Event => ({ kind: 'propose' })),
    )[0];
    expect(log.last).toBe(501);
    expect([log.terms.length, log.groups.length]).toEqual([1, 1]);
  });

  it('says how far the others are', () => {
    const appended = { kind: 'appended', term: 1, matched: 1, round: 1 } as const;
    const { ready, committed, peers } = view(stepped(leader(), heard('c', appended))[0]);
    expect([ready, committed]).toEqual([true, 1]);
    expect(peers.map(({ name, matched }) => [name, matched])).toEqual([
      ['b', 0],
      ['c', 1],
    ]);
  });
});
