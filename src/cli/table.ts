import { harmless } from './screen.ts';

export type Column<R> = {
  readonly title: string;
  readonly of: (row: R) => string;
  /** To the right edge, as numbers are read. */
  readonly right?: boolean;
  /** Gives way when the terminal is too narrow for all; at most this is taken off its end. */
  readonly gives?: boolean;
};

const GAP = 2;
const GIVING_MIN = 8;

/**
 * Rows as lines of equal columns that fit the width: columns that give way are cut, the widest
 * first. `paint` colours a finished cell, whose width then no longer counts.
 */
export function table<R>(
  columns: readonly Column<R>[],
  rows: readonly R[],
  width: number,
  paint: (cell: string, column: number, row: R | undefined) => string = (cell) => cell,
): readonly string[] {
  const cells = rows.map((row) => columns.map(({ of }) => harmless(of(row))));
  const wanted = columns.map(({ title }, at) =>
    cells.reduce((most, row) => Math.max(most, widthOf(row[at]!)), title.length),
  );
  const widths = fitted(columns, wanted, width);
  const line = (texts: readonly string[], row: R | undefined): string =>
    texts
      .map((text, at) => {
        const cell = padded(cut(text, widths[at]!), widths[at]!, columns[at]!.right === true);
        return paint(cell, at, row);
      })
      .join(' '.repeat(GAP))
      .trimEnd();
  const head = line(
    columns.map(({ title }) => title),
    undefined,
  );
  return [head, ...rows.map((row, at) => line(cells[at]!, row))];
}

/** Names and values, one a line. */
export function pairs(all: readonly (readonly [name: string, value: string])[]): readonly string[] {
  const wide = Math.max(...all.map(([name]) => name.length));
  return all.map(([name, value]) => `${name.padEnd(wide)}  ${harmless(value)}`.trimEnd());
}

function fitted<R>(
  columns: readonly Column<R>[],
  wanted: readonly number[],
  width: number,
): readonly number[] {
  const widths = [...wanted];
  let over = widths.reduce((sum, each) => sum + each + GAP, -GAP) - width;
  while (over > 0) {
    const widest = columns
      .map(({ gives }, at) => (gives === true ? at : -1))
      .filter((at) => at >= 0 && widths[at]! > GIVING_MIN)
      .toSorted((a, b) => widths[b]! - widths[a]!)[0];
    if (widest === undefined) break;
    widths[widest]! -= 1;
    over -= 1;
  }
  return widths;
}

let segmenter: Intl.Segmenter | undefined;
/** Made when a text needs it: that takes longer than all else that a list does at its start. */
function charactersOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return segmenter.segment(text);
}

/** Scripts whose characters take two places on a terminal, and pictures. */
const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\p{ExtPict}]/u;

const isAscii = (text: string): boolean => /^[\x20-\x7e]*$/.test(text);

/** Places that a text takes on a terminal. */
export function widthOf(text: string): number {
  if (isAscii(text)) return text.length;
  let places = 0;
  for (const { segment } of charactersOf(text)) places += wide.test(segment) ? 2 : 1;
  return places;
}

/** Cut to a width, with a sign that something is missing. */
export function cut(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (isAscii(text)) return `${text.slice(0, Math.max(0, width - 1))}…`;
  let kept = '';
  let places = 0;
  for (const { segment } of charactersOf(text)) {
    places += wide.test(segment) ? 2 : 1;
    if (places > width - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

function padded(text: string, width: number, right: boolean): string {
  const spaces = ' '.repeat(Math.max(0, width - widthOf(text)));
  return right ? spaces + text : text + spaces;
}
