import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry, EntryKind, Members } from '../../src/consensus/model.ts';
import { encodeChanges, encodeMembers } from '../../src/platform/replica/entries.ts';
import type { Apply, ReplicaDisk, Write } from '../../src/platform/replica/ports.ts';
import type { Outcome } from '../../src/runtime/ports.ts';
import { drop, put } from './store.suite.ts';

/** Two places, each of them for one head, opened again and again. */
export type ReplicaPlace = {
  open(): Promise<ReplicaDisk>;
  /** Another head, which waits to be added. */
  openOther(): Promise<ReplicaDisk>;
  clear(): Promise<void>;
};

const all = { from: '', to: '\u{10ffff}', limit: 1_000 };
export const keysOf = (disk: ReplicaDisk): string[] => disk.range(all).map(([key]) => key);

export const written = (disk: ReplicaDisk, write: Write): Promise<Outcome> =>
  new Promise((resolve) => disk.write(write, resolve));

export const entry = (index: number, term: number, kind: EntryKind = 'batch'): Entry => ({
  index,
  term,
  kind,
  at: index * 10,
  bytes: kind === 'batch' ? encodeChanges([put(`k${index}`)]) : new Uint8Array(0),
});

const grouped = (index: number, term: number, members: Members): Entry => ({
  ...entry(index, term, 'members'),
  bytes: encodeMembers(members),
});

export const applied = (index: number, term: number, ...keys: string[]): Apply => ({
  index,
  term,
  at: index * 10,
  changes: keys.map((key) => put(key)),
});

const row = (from: number, to: number, term: number): Entry[] =>
  Array.from({ length: to - from + 1 }, (_, n) => entry(from + n, term));

/** What every disk of a head owes its driver; run on each implementation. */
export function replicaDiskSuite(name: string, makePlace: () => Promise<ReplicaPlace>): void {
  describe(name, () => {
    let place: ReplicaPlace;
    let disk: ReplicaDisk;

    beforeEach(async () => {
      place = await makePlace();
      disk = await place.open();
    });
    afterEach(async () => {
      await disk.close();
      await place.clear();
    });

    const reopen = async (): Promise<ReplicaDisk> => {
      await disk.close();
      disk = await place.open();
      return disk;
    };

    it('begins as a group of its own head, with nothing in it', () => {
      expect(disk.kept).toEqual({
        hard: { term: 0, vote: '' },
        base: { index: 0, term: 0 },
        terms: [],
        last: 0,
        applied: { index: 0, term: 0, at: 0 },
        members: [{ index: 0, voters: ['a'], learners: [] }],
      });
      expect(keysOf(disk)).toEqual([]);
    });

    it('keeps hard state and entries over a new opening, with the runs of terms', async () => {
      await written(disk, {
        hard: { term: 3, vote: 'b' },
        entries: [...row(1, 3, 1), ...row(4, 5, 3)],
      });
      const before = disk.kept;
      await reopen();
      expect(disk.kept).toEqual(before);
      expect(disk.kept).toMatchObject({
        hard: { term: 3, vote: 'b' },
        terms: [
          { index: 1, term: 1 },
          { index: 4, term: 3 },
        ],
        last: 5,
      });
      expect(disk.entries(2, 4, 1 << 20)).toEqual([...row(2, 3, 1), ...row(4, 4, 3)]);
    });

    it('gives at least one entry, and then as many as there is room for', async () => {
      await written(disk, { entries: row(1, 9, 1) });
      expect(disk.entries(4, 9, 1)).toEqual([entry(4, 1)]);
      expect(disk.entries(4, 9, 100)).toHaveLength(3);
      expect(disk.entries(8, 20, 1 << 20)).toEqual(row(8, 9, 1));
    });

    it('cuts off what an entry is put in the place of, groups and terms included', async () => {
      const more = { voters: ['a'], learners: ['b'] };
      await written(disk, { entries: [...row(1, 2, 1), grouped(3, 1, more), entry(4, 2)] });
      expect(disk.kept.members).toEqual([
        { index: 0, voters: ['a'], learners: [] },
        { index: 3, ...more },
      ]);
      await written(disk, { entries: [entry(3, 4)] });
      await reopen();
      expect(disk.kept).toMatchObject({ last: 3, members: [{ index: 0 }] });
      expect(disk.kept.members).toHaveLength(1);
      expect(disk.kept.terms).toEqual([
        { index: 1, term: 1 },
        { index: 3, term: 4 },
      ]);
      expect(disk.entries(1, 9, 1 << 20)).toEqual([...row(1, 2, 1), entry(3, 4)]);
    });

    it('applies and forgets entries, and keeps the group as of what is applied', async () => {
      const more = { voters: ['a', 'b'], learners: ['c'] };
      await written(disk, { entries: [...row(1, 2, 1), grouped(3, 1, more), ...row(4, 6, 2)] });
      await written(disk, {
        apply: [applied(1, 1, 'x', 'y'), { ...applied(2, 1), changes: [drop('x')] }],
      });
      expect(keysOf(disk)).toEqual(['y']);
      await written(disk, {
        apply: [{ ...applied(3, 1), members: more }, applied(4, 2, 'z')],
        base: { index: 4, term: 2 },
      });
      await reopen();
      expect(keysOf(disk)).toEqual(['y', 'z']);
      expect(disk.kept).toEqual({
        hard: { term: 0, vote: '' },
        base: { index: 4, term: 2 },
        terms: [{ index: 5, term: 2 }],
        last: 6,
        applied: { index: 4, term: 2, at: 40 },
        members: [{ index: 3, ...more }],
      });
      expect(disk.entries(5, 6, 1 << 20)).toEqual(row(5, 6, 2));
      await written(disk, { apply: [applied(5, 2), applied(6, 2)], base: { index: 6, term: 2 } });
      expect(disk.kept).toMatchObject({ base: { index: 6, term: 2 }, terms: [], last: 6 });
      await written(disk, { entries: [entry(7, 3)] });
      expect((await reopen()).kept.terms).toEqual([{ index: 7, term: 3 }]);
    });

    it('of a group of one applies what was never in the log', async () => {
      for (let index = 1; index <= 5; index++)
        await written(disk, { apply: [applied(index, 1, `k${index}`)], base: { index, term: 1 } });
      await reopen();
      expect(keysOf(disk)).toEqual(['k1', 'k2', 'k3', 'k4', 'k5']);
      expect(disk.kept).toMatchObject({
        base: { index: 5 },
        last: 5,
        terms: [],
        applied: { at: 50 },
      });
      expect(disk.entries(1, 5, 1 << 20)).toEqual([]);
    });

    it('plays writes given together in their order, and tells of them in it', async () => {
      const told: string[] = [];
      const give = (name: string, write: Write): Promise<Outcome> =>
        new Promise((resolve) =>
          disk.write(
            write,
            (outcome) => {
              told.push(`${name} durable`);
              resolve(outcome);
            },
            () => told.push(`${name} visible ${keysOf(disk).length > 0}`),
          ),
        );
      const outcomes = await Promise.all([
        give('a', { entries: row(1, 3, 1) }),
        give('b', { apply: [applied(1, 1, 'x')] }),
        give('c', { entries: [entry(2, 2)] }),
        give('d', { apply: [applied(2, 2, 'y')], base: { index: 1, term: 1 } }),
      ]);
      expect(outcomes).toEqual(['committed', 'committed', 'committed', 'committed']);
      expect(told.filter((line) => line.endsWith('durable'))).toEqual(
        ['a', 'b', 'c', 'd'].map((name) => `${name} durable`),
      );
      expect(told.filter((line) => line.includes('visible'))).toEqual([
        expect.stringMatching(/^a visible/),
        'b visible true',
        expect.stringMatching(/^c visible/),
        'd visible true',
      ]);
      expect(disk.kept).toMatchObject({ last: 2, base: { index: 1 }, applied: { index: 2 } });
      expect(disk.entries(2, 9, 1 << 20)).toEqual([entry(2, 2)]);
    });

    it('throws at writes that contradict what is there', async () => {
      await written(disk, { entries: row(1, 3, 1), apply: [applied(1, 1), applied(2, 1)] });
      const before = disk.kept;
      const wrong: Write[] = [
        { entries: [entry(5, 1)] },
        { entries: [entry(2, 2)] },
        { entries: [entry(4, 1), entry(6, 1)] },
        { apply: [applied(4, 1)] },
        { base: { index: 3, term: 1 } },
      ];
      for (const write of wrong) expect(() => disk.write(write, () => {})).toThrow();
      expect(disk.kept).toEqual(before);
    });

    it('gives another head its records by a snapshot, and never its vote or log', async () => {
      const members = { voters: ['a'], learners: ['b'] };
      await written(disk, {
        hard: { term: 5, vote: 'a' },
        entries: [...row(1, 2, 1), grouped(3, 5, members), entry(4, 5)],
        apply: [applied(1, 1, 'x'), applied(2, 1, 'y'), { ...applied(3, 5), members }],
      });
      const snapshot = await disk.snapshot();
      expect(snapshot).toMatchObject({ index: 3, term: 5, at: 30, members });
      const other = await place.openOther();
      expect(other.kept.members).toEqual([{ index: 0, voters: [], learners: [] }]);
      await written(other, { hard: { term: 9, vote: 'c' }, entries: row(1, 2, 7) });
      let term = 9;
      let installed = false;
      const during: Promise<Outcome>[] = [];
      const installing = other.install(snapshot).then(() => {
        installed = true;
      });
      while (!installed) {
        during.push(written(other, { hard: { term: ++term, vote: '' } }));
        await new Promise(setImmediate);
      }
      await installing;
      expect(new Set(await Promise.all(during))).toEqual(new Set(['committed']));
      expect(other.kept).toEqual({
        hard: { term, vote: '' },
        base: { index: 3, term: 5 },
        terms: [],
        last: 3,
        applied: { index: 3, term: 5, at: 30 },
        members: [{ index: 3, ...members }],
      });
      expect([keysOf(other), other.entries(1, 9, 1)]).toEqual([['x', 'y'], []]);
      await written(other, { entries: [entry(4, 5)], apply: [applied(4, 5, 'z')] });
      const kept = other.kept;
      await other.close();
      const again = await place.openOther();
      expect([again.kept, keysOf(again)]).toEqual([kept, ['x', 'y', 'z']]);
      await expect(again.install(snapshot)).rejects.toThrow(/older/);
      await again.close();
      expect(keysOf(disk)).toEqual(['x', 'y']);
    });

    it('ends what it took before it closes, and takes no more', async () => {
      const first = written(disk, { entries: row(1, 2, 1) });
      const closed = disk.close();
      expect(await written(disk, { entries: [entry(3, 1)] })).toBe('unknown');
      await closed;
      expect(await first).toBe('committed');
      expect(() => disk.get('a')).toThrow(/closed/);
      disk = await place.open();
      expect(disk.kept.last).toBe(2);
    });

    it('is fenced by a new life', async () => {
      await written(disk, { apply: [applied(1, 1, 'x')], base: { index: 1, term: 1 } });
      const old = disk;
      disk = await place.open();
      const outcomes = await Promise.all([
        written(old, { entries: [entry(2, 1)] }),
        written(old, { entries: [entry(3, 1)] }),
      ]);
      expect(outcomes).toEqual(['unknown', 'unknown']);
      expect(disk.kept.last).toBe(1);
      await old.close();
    });
  });
}
