/** A word longer than this is no slip of the fingers: nothing is looked up for it. */
const WORD_CHARS_MAX = 64;
/** A part of a known word that is shorter than this tells nothing. */
const PART_CHARS_MIN = 3;
/** What a word costs that is a part of a known one, or holds it: more than one slip of a finger. */
const PART_COST = 2;

/**
 * The known word that was probably meant, or undefined if none is near. A slip is a letter too
 * many, too few, another, or two swapped; one in three letters may be wrong. A word that begins or
 * ends a known one (`input` of `input-files`), or the other way round, is near as well.
 */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  if (word === '' || word.length > WORD_CHARS_MAX) return undefined;
  const meant = word.toLowerCase();
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const cost = costOf(meant, candidate.toLowerCase());
    if (cost < least) [best, least] = [candidate, cost];
  }
  return best;
}

function costOf(word: string, known: string): number {
  const slipsMax = Math.max(1, Math.floor(word.length / 3));
  const apart = Math.abs(word.length - known.length);
  const slips = apart > slipsMax ? Number.POSITIVE_INFINITY : distance(word, known);
  const slipped = slips <= slipsMax && slips < known.length ? slips : Number.POSITIVE_INFINITY;
  return Math.min(slipped, isPart(word, known) ? PART_COST + apart / WORD_CHARS_MAX : slipped);
}

function isPart(a: string, b: string): boolean {
  const [part, whole] = a.length < b.length ? [a, b] : [b, a];
  return part.length >= PART_CHARS_MIN && (whole.startsWith(part) || whole.endsWith(part));
}

/** Edit distance with swaps of neighbours (optimal string alignment); three rows of the table. */
export function distance(a: string, b: string): number {
  let before: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(above[j]! + 1, row[j - 1]! + 1, above[j - 1]! + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) least = Math.min(least, before[j - 2]! + 1);
      row.push(least);
    }
    [before, above] = [above, row];
  }
  return above[b.length]!;
}
