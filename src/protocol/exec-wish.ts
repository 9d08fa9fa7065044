import { Malformed } from './errors.ts';
import { limits } from './limits.ts';

/** The terminal that a command is to have; `term`: its kind, as TERM says it. */
export type Window = {
  readonly columns: number;
  readonly rows: number;
  readonly term: string;
};

/** A command that is to run inside a job. */
export type ExecWish = {
  readonly job: string;
  /** Which of the job's processes it is to be beside. */
  readonly rank: number;
  /** The command and its arguments, no shell's text; none: a login shell. */
  readonly words: readonly string[];
  /** Null: pipes. */
  readonly window: Window | null;
};

type Given = Readonly<Record<string, unknown>>;

/** Throws `Malformed`. */
export function readExecWish(body: unknown): ExecWish {
  const { job, rank, words, window = null } = body as Given;
  if (typeof job !== 'string' || job.length > limits.pathCharsMax)
    throw new Malformed('$.job', 'the id of a job');
  return {
    job,
    rank: countOf('$.rank', rank, limits.nodesMax),
    words: wordsOf(words),
    window: window === null ? null : windowOf(window as Given),
  };
}

function wordsOf(words: unknown): readonly string[] {
  const fits =
    Array.isArray(words) &&
    words.length <= limits.execWordsMax &&
    words.every((word) => typeof word === 'string' && !word.includes('\0'));
  if (!fits) throw new Malformed('$.words', `at most ${limits.execWordsMax} words without NULs`);
  const all = words as readonly string[];
  const bytes = new TextEncoder().encode(all.join(' ')).length;
  if (bytes > limits.execBytesMax || all[0] === '')
    throw new Malformed('$.words', `a command of at most ${limits.execBytesMax} bytes`);
  return all;
}

function windowOf({ columns, rows, term = '' }: Given): Window {
  if (typeof term !== 'string' || !/^[A-Za-z0-9.+-]{0,64}$/.test(term))
    throw new Malformed('$.window.term', 'the name of a kind of terminal');
  const { execWindowMax: most } = limits;
  return {
    columns: countOf('$.window.columns', columns, most),
    rows: countOf('$.window.rows', rows, most),
    term,
  };
}

function countOf(at: string, value: unknown, most: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most)
    return value;
  throw new Malformed(at, `a count of at most ${most}`);
}
