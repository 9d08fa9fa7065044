import type { Screen } from './screen.ts';
import type { Column } from './table.ts';
import { table } from './table.ts';

/** Prints rows: as one JSON array, or as a table for people. */
export function printRows<R>(
  screen: Screen,
  rows: readonly R[],
  columns: readonly Column<R>[],
  paint?: (cell: string, column: number, row: R | undefined) => string,
): void {
  if (screen.json) return screen.printJson(rows);
  if (rows.length === 0) return screen.note('There are none.');
  // Where nobody looks, nothing is cut off.
  const width = screen.isTerminal ? screen.columns : Number.MAX_SAFE_INTEGER;
  for (const line of table(columns, rows, width, paint)) screen.print(line);
}
