import type { InLine } from './lines.ts';

/**
 * The jobs that wait, by their ids, as a value: what changes some of them copies the boards on
 * which those lie, and not the shelf.
 */
export type Shelf = readonly (ReadonlyMap<string, InLine> | undefined)[];

const BOARDS = 4_096;

export const emptyShelf: Shelf = [];

/** Ids are drawn at random, so that their first digits spread them. */
function boardOf(id: string): number {
  const digits = Number.parseInt(id.slice(0, 3), 16);
  return Number.isNaN(digits) ? id.length % BOARDS : digits;
}

export const taken = (shelf: Shelf, id: string): InLine | undefined => shelf[boardOf(id)]?.get(id);

/** The shelf with some jobs put there, in the place of what was, or taken away. */
export function put(shelf: Shelf, changes: ReadonlyMap<string, InLine | null>): Shelf {
  if (changes.size === 0) return shelf;
  const boards = [...shelf];
  const fresh = new Set<number>();
  for (const [id, job] of changes) {
    const at = boardOf(id);
    if (!fresh.has(at)) boards[at] = new Map(boards[at]);
    fresh.add(at);
    const board = boards[at] as Map<string, InLine>;
    if (job === null) board.delete(id);
    else board.set(id, job);
  }
  return boards;
}
