import { closeSync, constants, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import type { AttemptKey, Exit } from '../../actors/ports.ts';
import { Malformed } from '../../protocol/errors.ts';
import { errno } from '../disk.ts';
import type { Being } from './being.ts';

/**
 * What an attempt's record says. It is a file of lines, each appended in one write; where two
 * writers race, the first line decides, and each reads back who it was.
 */
export type Told =
  | { readonly is: 'nothing' }
  /** It was stopped before it could start, and never will. */
  | { readonly is: 'refused' }
  /** A slot has claimed the start; its process is not known yet. */
  | ({ readonly is: 'starting' } & Claim)
  /** The start did not come to be: `why` names the step, with the number of the system's error. */
  | { readonly is: 'failed'; readonly step: string; readonly errno: number }
  | ({ readonly is: 'running' } & Running)
  | ({ readonly is: 'ended'; readonly exit: Exit } & Running);

export type Claim = {
  readonly boot: string;
  readonly slot: Being;
  /** The slot runs other attempts too, so not all that descends from it is this one's. */
  readonly shared: boolean;
  /** No slot runs it but a container engine, which tells how it is. */
  readonly contained: boolean;
  /** Of the cgroups that the slot lives in, or ''. */
  readonly fence: string;
  /** What could not be enforced, by the letters of fence.ts. */
  readonly unenforced: string;
  /** A log reached its limit, for which the attempt was ended. */
  readonly logFull: boolean;
};

export type Running = Claim & {
  readonly main: Being;
  readonly at: number;
  /** How the main process ended, while the rest may still be there. */
  readonly done: Exit | undefined;
};

const names = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

/** The file name of an attempt's record. Throws `Malformed` for what would not be a plain name. */
export function recordName({ job, attempt, rank }: AttemptKey): string {
  if (!names.test(job)) throw new Malformed('$.key.job', 'letters, digits, dots and dashes');
  if (!Number.isSafeInteger(attempt) || attempt < 0)
    throw new Malformed('$.key.attempt', 'a whole number');
  if (!Number.isSafeInteger(rank) || rank < 0) throw new Malformed('$.key.rank', 'a whole number');
  return `${job}.${attempt}.${rank}.record`;
}

/** What the record says; `nothing` also if there is none. */
export function readRecord(path: string): Told {
  try {
    return tell(readFileSync(path, 'latin1'));
  } catch (error) {
    if (errno(error) === 'ENOENT') return { is: 'nothing' };
    throw error;
  }
}

/** Appends one line, in one write, and reads back what all the lines say. */
export function appendRecord(path: string, line: string): Told {
  const { O_WRONLY, O_APPEND, O_CREAT } = constants;
  const file = openSync(path, O_WRONLY | O_APPEND | O_CREAT, 0o600);
  try {
    writeSync(file, `${line} .\n`);
  } finally {
    closeSync(file);
  }
  return readRecord(path);
}

/** Also of one that has none: its start was refused before. */
export const removeRecord = (path: string): void => rmSync(path, { force: true });

/** Where the keeper writes how a process ended whose slot is gone. */
export const orphanName = ({ pid }: Being): string => `orphan.${pid}`;

/** How the keeper found an orphan to have ended: a record's exit line, and its start. */
export function readOrphan(path: string, { from, to }: Being): Exit | undefined {
  try {
    const words = whole(readFileSync(path, 'latin1')).find(
      ([word, , , , , start]) => word === 'exit' && Number(start) >= from && Number(start) <= to,
    );
    return words && exitOf(words);
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined;
    throw error;
  }
}

export const exitLine = (exit: Exit): string =>
  exit.lost
    ? `lost ${exit.at}`
    : `exit ${exit.code} ${exit.signal} ${Number(exit.outOfMemory)} ${exit.at}`;

/** The record of these bytes. */
export const tell = (text: string): Told =>
  whole(text).reduce<Told>((told, words) => next(told, words), { is: 'nothing' });

/** Each line to its last letter: a torn one does not count, nor does what follows in its line. */
const shapes = [
  /^refused \d+ \.$/,
  /^starting \d+ \d+ \S+ \d+ (own|shared|image) \S+ \S+ \.$/,
  /^failed [a-z]+ \d+ \.$/,
  /^void \d+ \.$/,
  /^pid \d+ \d+ \d+ \d+ \.$/,
  /^stopping \d+ \.$/,
  /^log_full \d+ \.$/,
  /^(done|exit) \d+ \d+ [01] \d+( \d+)? \.$/,
  /^lost \d+ \.$/,
];

const whole = (text: string): string[][] =>
  text
    .split('\n')
    .slice(0, -1)
    .filter((line) => shapes.some((shape) => shape.test(line)))
    .map((line) => line.slice(0, -2).split(' '));

/** The first line of a kind decides; whoever was late finds that it changes nothing. */
function next(told: Told, words: readonly string[]): Told {
  switch (told.is) {
    case 'nothing':
      if (words[0] === 'refused') return { is: 'refused' };
      return words[0] === 'starting' ? { is: 'starting', ...claimOf(words) } : told;
    case 'starting':
      return started(told, words);
    case 'running':
      if (words[0] === 'done') return { ...told, done: exitOf(words) };
      if (words[0] === 'exit' || words[0] === 'lost') {
        const exit = words[0] === 'lost' && told.done ? told.done : exitOf(words);
        return { ...told, is: 'ended', exit: told.logFull ? { ...exit, logFull: true } : exit };
      }
      return words[0] === 'log_full' ? { ...told, logFull: true } : told;
    case 'refused':
    case 'failed':
    case 'ended':
      return told;
  }
}

function started(told: Told & { is: 'starting' }, words: readonly string[]): Told {
  const [word, first = '', second = '', third, fourth] = words;
  switch (word) {
    case 'pid':
      return {
        ...told,
        is: 'running',
        main: { pid: Number(first), from: Number(second), to: Number(third) },
        at: Number(fourth),
        done: undefined,
      };
    case 'refused':
      return { is: 'refused' };
    case 'failed':
      return { is: 'failed', step: first, errno: Number(second) };
    case 'void':
    case 'exit':
      return { is: 'failed', step: 'killed', errno: 0 };
    default:
      return told;
  }
}

const claimOf = ([, pid, start, boot = '', , kind, fence, unenforced]: readonly string[]) => ({
  boot,
  slot: { pid: Number(pid), from: Number(start), to: Number(start) },
  shared: kind === 'shared',
  contained: kind === 'image',
  fence: fence === '-' || fence === undefined ? '' : fence,
  unenforced: unenforced === '-' || unenforced === undefined ? '' : unenforced,
  logFull: false,
});

const exitOf = (words: readonly string[]): Exit =>
  words[0] === 'lost'
    ? { code: 0, signal: 0, at: Number(words[1]), outOfMemory: false, lost: true }
    : {
        code: Number(words[1]),
        signal: Number(words[2]),
        outOfMemory: words[3] === '1',
        at: Number(words[4]),
        lost: false,
      };
