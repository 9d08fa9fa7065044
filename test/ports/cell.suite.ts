import { describe, expect, it } from 'vitest';
import { limits } from '../../src/protocol/limits.ts';
import type { Cells } from '../../src/runtime/ports.ts';

/** How an implementation is tried: its cells, and what lets it run until nothing is left to do. */
export type CellBed = {
  readonly cells: Cells;
  /** Resolves when no cell wants a turn any more. */
  settle(): Promise<void>;
  /** Calls back once the loop has looked at I/O again; undefined where there is none. */
  readonly io: ((then: () => void) => void) | undefined;
};

const noCrash = (error: unknown): never => {
  throw new Error('a cell crashed', { cause: error });
};

/** What every implementation of `Cells` must hold. */
export function cellSuite(name: string, bed: () => CellBed): void {
  describe(`cells on ${name}`, () => {
    it('play when woken, later, and not again by themselves', async () => {
      const { cells, settle } = bed();
      let plays = 0;
      const cell = cells('/a', () => ++plays < 0, noCrash);
      await settle();
      expect(plays).toBe(0);
      cell.wake();
      expect(plays).toBe(0);
      await settle();
      expect(plays).toBe(1);
    });

    it('take many wakes before a play as one', async () => {
      const { cells, settle } = bed();
      let plays = 0;
      const cell = cells('/a', () => ++plays < 0, noCrash);
      for (let i = 0; i < 1000; i++) cell.wake();
      await settle();
      expect(plays).toBe(1);
      cell.wake();
      await settle();
      expect(plays).toBe(2);
    });

    it('play again as long as a play asks for it, one at a time', async () => {
      const { cells, settle } = bed();
      let plays = 0;
      let inside = 0;
      let most = 0;
      const cell = cells(
        '/a',
        () => {
          most = Math.max(most, ++inside);
          if (++plays < 50) cell.wake();
          inside--;
          return plays < 50;
        },
        noCrash,
      );
      cell.wake();
      await settle();
      expect(plays).toBe(50);
      expect(most).toBe(1);
    });

    it('play once more for a wake within a play', async () => {
      const { cells, settle } = bed();
      let plays = 0;
      const cell = cells(
        '/a',
        () => {
          if (++plays === 1) {
            cell.wake();
            cell.wake();
          }
          return false;
        },
        noCrash,
      );
      cell.wake();
      await settle();
      expect(plays).toBe(2);
    });

    it('play no more after stop, not even what was asked for before', async () => {
      const { cells, settle } = bed();
      let plays = 0;
      const cell = cells('/a', () => ++plays < 0, noCrash);
      cell.wake();
      cell.stop();
      cell.stop();
      cell.wake();
      await settle();
      expect(plays).toBe(0);
    });

    it('may be stopped in their own play, which is then the last', async () => {
      const { cells, settle } = bed();
      let plays = 0;
      const cell = cells(
        '/a',
        () => {
          plays++;
          cell.wake();
          cell.stop();
          cell.wake();
          return true;
        },
        noCrash,
      );
      cell.wake();
      await settle();
      expect(plays).toBe(1);
    });

    it('may be stopped by another cell', async () => {
      const { cells, settle } = bed();
      let plays = 0;
      const victim = cells('/victim', () => ++plays > 0, noCrash);
      const other = cells(
        '/other',
        () => {
          victim.stop();
          return false;
        },
        noCrash,
      );
      other.wake();
      await settle();
      victim.wake();
      await settle();
      expect(plays).toBe(0);
    });

    crashes(bed);
    crowds(bed);
  });
}

function crashes(bed: () => CellBed): void {
  it('end by a throw, which is reported once', async () => {
    const { cells, settle } = bed();
    const seen: unknown[] = [];
    let plays = 0;
    const boom = new Error('boom');
    const cell = cells(
      '/a',
      () => {
        plays++;
        cell.wake();
        throw boom;
      },
      (error) => seen.push(error),
    );
    cell.wake();
    await settle();
    cell.wake();
    await settle();
    expect(plays).toBe(1);
    expect(seen).toEqual([boom]);
  });

  it('report no throw of a play that stopped itself', async () => {
    const { cells, settle } = bed();
    const seen: unknown[] = [];
    const cell = cells(
      '/a',
      () => {
        cell.stop();
        throw new Error('late');
      },
      (error) => seen.push(error),
    );
    cell.wake();
    await settle();
    expect(seen).toEqual([]);
  });

  it('take nobody with them, and may be made anew under the same name at once', async () => {
    const { cells, settle } = bed();
    const order: string[] = [];
    const first = cells(
      '/a',
      () => {
        throw new Error('boom');
      },
      () => {
        order.push('crashed');
        second = cells('/a', () => order.push('second') < 0, noCrash);
        second.wake();
      },
    );
    let second = first;
    const other = cells('/b', () => order.push('other') < 0, noCrash);
    first.wake();
    other.wake();
    await settle();
    expect(order.toSorted()).toEqual(['crashed', 'other', 'second']);
    expect(order.indexOf('crashed')).toBeLessThan(order.indexOf('second'));
  });
}

function crowds(bed: () => CellBed): void {
  it('are many: each of ten thousand gets its turns', async () => {
    const { cells, settle } = bed();
    const plays = new Array<number>(10_000).fill(0);
    const all = plays.map((_, i) =>
      cells(`/many/${i}`, () => ++(plays as number[])[i]! < 3, noCrash),
    );
    for (const cell of all) cell.wake();
    await settle();
    expect(plays.every((count) => count === 3)).toBe(true);
    for (const cell of all) cell.stop();
  });

  it.each(['first', 'last'])(
    'leave their turns to others when stopped, the %s first',
    async (by) => {
      const { cells, settle } = bed();
      let plays = 0;
      const stopped = Array.from({ length: 1000 }, (_, i) =>
        cells(`/stopped/${i}`, () => ++plays < 0, noCrash),
      );
      for (const cell of stopped) cell.wake();
      for (const cell of by === 'first' ? stopped : stopped.toReversed()) cell.stop();
      await settle();
      expect(plays).toBe(0);
      const others = Array.from({ length: 1000 }, (_, i) =>
        cells(`/others/${i}`, () => ++plays < 0, noCrash),
      );
      for (const cell of others) cell.wake();
      await settle();
      expect(plays).toBe(1000);
    },
  );

  it('share the turns: one that always wants more does not keep another from playing', async () => {
    const { cells, settle } = bed();
    let greedy = 0;
    let modest = 0;
    const hog = cells('/hog', () => ++greedy < 100_000, noCrash);
    const other = cells(
      '/other',
      () => {
        if (++modest === 10) hog.stop();
        return modest < 10;
      },
      noCrash,
    );
    hog.wake();
    other.wake();
    await settle();
    expect(modest).toBe(10);
    expect(greedy).toBeLessThan(1000);
  });

  it('do not starve I/O, however many always want more', async () => {
    const { cells, settle, io } = bed();
    if (io === undefined) return;
    let plays = 0;
    const all = Array.from({ length: 1000 }, (_, i) =>
      cells(`/hogs/${i}`, () => ++plays < 10_000_000, noCrash),
    );
    for (const cell of all) cell.wake();
    const seen: number[] = [];
    await new Promise<void>((resolve) => {
      const look = (): void => {
        seen.push(plays);
        if (seen.length < 20) io(look);
        else resolve();
      };
      io(look);
    });
    for (const cell of all) cell.stop();
    await settle();
    const between = seen.slice(1).map((at, i) => at - seen[i]!);
    expect(Math.max(...between)).toBeLessThanOrEqual(limits.cellsPerTurnMax);
  });
}
