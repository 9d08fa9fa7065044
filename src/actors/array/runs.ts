/**
 * How the tasks of one chunk are: runs of tasks that are alike, three numbers each: how many, the
 * word of each, and the shift that had it last. Neighbours mostly are alike, so a chunk is short.
 */
export type Runs = readonly number[];

/** What a task is; where it has a meaning, with a code: of its exit, or of the signal. */
export type Kind = 'waiting' | 'given' | 'exited' | 'killed' | 'late' | 'cancelled' | 'lost';
const kinds: readonly Kind[] = [
  'waiting',
  'given',
  'exited',
  'killed',
  'late',
  'cancelled',
  'lost',
];

export type Task = {
  readonly kind: Kind;
  readonly code: number;
  /** It is given to a shift, and to be left out, or ended, there. */
  readonly unwanted: boolean;
  /** How often it failed before. */
  readonly tries: number;
  /** How often it was begun and never heard of again. */
  readonly losses: number;
};

/** In one number of 32 bits, 0 for a task that nobody had yet. */
export const wordOf = ({ kind, code, unwanted, tries, losses }: Task): number =>
  kinds.indexOf(kind) | (code << 3) | (Number(unwanted) << 11) | (tries << 12) | (losses << 24);

export const taskOf = (word: number): Task => ({
  kind: kindOf(word),
  code: (word >> 3) & 0xff,
  unwanted: ((word >> 11) & 1) === 1,
  tries: (word >> 12) & 0x3ff,
  losses: (word >> 24) & 0xf,
});

export const kindOf = (word: number): Kind => kinds[word & 7] as Kind;

/** Whether it ended, and well. */
export const isGood = (word: number): boolean =>
  kindOf(word) === 'exited' && ((word >> 3) & 0xff) === 0;

/** A run of tasks that are alike, by the places in their chunk. */
export type Run = {
  readonly from: number;
  readonly to: number;
  readonly word: number;
  readonly shift: number;
};

/** The runs between two places, both included, cut where they reach beyond. */
export function* runsIn(runs: Runs, from: number, to: number): Generator<Run> {
  for (let at = 0, begin = 0; at < runs.length && begin <= to; at += 3) {
    const end = begin + (runs[at] as number) - 1;
    if (end >= from)
      yield {
        from: Math.max(begin, from),
        to: Math.min(end, to),
        word: runs[at + 1] as number,
        shift: runs[at + 2] as number,
      };
    begin = end + 1;
  }
}

/** What becomes of the tasks of a run: their word and shift from now on. */
export type Change = (run: Run) => { readonly word: number; readonly shift: number };

/** The chunk with its tasks between two places changed. */
export function changedRuns(runs: Runs, from: number, to: number, change: Change): Runs {
  const out: number[] = [];
  const put = (n: number, word: number, shift: number): void => {
    const last = out.length - 3;
    if (last >= 0 && out[last + 1] === word && out[last + 2] === shift)
      out[last] = (out[last] as number) + n;
    else out.push(n, word, shift);
  };
  for (const run of runsIn(runs, 0, Number.MAX_SAFE_INTEGER)) {
    const begin = Math.max(run.from, from);
    const end = Math.min(run.to, to);
    if (begin > end) {
      put(run.to - run.from + 1, run.word, run.shift);
      continue;
    }
    if (run.from < begin) put(begin - run.from, run.word, run.shift);
    const next = change({ ...run, from: begin, to: end });
    put(end - begin + 1, next.word, next.shift);
    if (run.to > end) put(run.to - end, run.word, run.shift);
  }
  return out;
}
