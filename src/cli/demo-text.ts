/** A text of about so many bytes that reads like the sample; always the same one. */
export function proseLike(sample: string, bytes: number): string {
  const words = sample.split(/\s+/).filter((word) => word !== '');
  const next = followers(words);
  const dice = diceOf(1);
  const paragraphs: string[] = [];
  let line = words.slice(0, 2).join(' ');
  let [before, last] = words as [string, string];
  for (let written = 0; written < bytes; ) {
    const choice = next.get(`${before} ${last}`)!;
    [before, last] = [last, choice[Math.floor(dice() * choice.length)]!];
    if (line.length + 1 + last.length > COLUMNS) {
      paragraphs.push(line);
      written += line.length + 1;
      line = '';
    }
    line = line === '' ? last : `${line} ${last}`;
  }
  return `${paragraphs.join('\n')}\n${line}\n`;
}

const COLUMNS = 96;

/** Which words follow each two that stand beside each other; its begin follows the sample's end. */
function followers(words: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  words.forEach((first, at) => {
    const [second, third] = [1, 2].map((step) => words[(at + step) % words.length]!);
    const pair = `${first} ${second}`;
    found.set(pair, [...(found.get(pair) ?? []), third!]);
  });
  return found;
}

/** Numbers from 0 to 1, the same ones for the same seed (mulberry32). */
function diceOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export type WordCount = { readonly word: string; readonly count: number };

/** The most frequent words, counted as the example counts them, to be held against its result. */
export function topWords(text: string, most: number): readonly WordCount[] {
  const counts = new Map<string, number>();
  for (const [word] of text.toLowerCase().matchAll(/[a-z]+/g))
    counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .map(([word, count]) => ({ word, count }))
    .sort((a, b) => b.count - a.count || (a.word < b.word ? -1 : 1))
    .slice(0, most);
}

/** Reads what the example writes: a count and a word a line. */
export const parseWords = (text: string): readonly WordCount[] =>
  [...text.matchAll(/^ *(\d+) (\w+)$/gm)].map(([, count, word]) => ({
    word: word!,
    count: Number(count),
  }));
