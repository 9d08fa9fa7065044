import { Usage } from '../exits.ts';
import { harmless } from '../screen.ts';

/** A field of a row, and its title. */
export type Field<R> = { readonly title: string; readonly of: (row: R) => string };

/** A piece of a line: text as it is, or a field in its width. */
export type Piece<R> =
  | { readonly is: 'text'; readonly text: string }
  | {
      readonly is: 'field';
      readonly field: Field<R>;
      readonly name: string;
      /** 0: as wide as it is. */
      readonly width: number;
      readonly right: boolean;
    };

/** Reads a format such as `%.18i %j`, whose letters are `fields`. */
export function piecesOf<R>(
  command: string,
  format: string,
  fields: Readonly<Record<string, Field<R>>>,
): readonly Piece<R>[] {
  const pieces: Piece<R>[] = [];
  let from = 0;
  for (const found of format.matchAll(/%(\.?)(\d{0,4})([A-Za-z#%])/g)) {
    const [whole, dot = '', width = '', letter = ''] = found;
    pieces.push({ is: 'text', text: format.slice(from, found.index) });
    from = found.index + whole.length;
    if (letter === '%') pieces.push({ is: 'text', text: '%' });
    else
      pieces.push({ ...fieldOf(command, letter, fields), width: Number(width), right: dot !== '' });
  }
  return [...pieces, { is: 'text', text: format.slice(from) }];
}

function fieldOf<R>(command: string, name: string, fields: Readonly<Record<string, Field<R>>>) {
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (field !== undefined) return { is: 'field' as const, field, name };
  const all = Object.keys(fields).map((one) => `%${one}`);
  throw new Usage(`${command}: %${name} is not supported; there are ${all.join(' ')}`);
}

/** A line for each row, and one of titles before them if so wished. */
export function linesOf<R>(
  pieces: readonly Piece<R>[],
  rows: readonly R[],
  header: boolean,
): readonly string[] {
  const line = (text: (field: Field<R>) => string): string =>
    pieces
      .map((piece) => (piece.is === 'text' ? piece.text : fitted(text(piece.field), piece)))
      .join('')
      .trimEnd();
  const body = rows.map((row) => line(({ of }) => harmless(of(row))));
  return header ? [line(({ title }) => title), ...body] : body;
}

/** What is too wide loses its end: columns stay where they are, as scripts count on. */
export function fitted(
  text: string,
  { width, right }: { readonly width: number; readonly right: boolean },
): string {
  if (width === 0) return text;
  const cut = text.slice(0, width);
  return right ? cut.padStart(width) : cut.padEnd(width);
}
