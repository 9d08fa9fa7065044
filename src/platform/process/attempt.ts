import type { AttemptKey, Exit, ProcessOrder, Started } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { unenforcedWords } from './fence.ts';
import type { Told } from './record.ts';
import type { Slot } from './slot.ts';

/** An attempt that somebody asked for in this life of the worker. */
export type Attempt = {
  readonly key: AttemptKey;
  /** Of its record. */
  readonly path: string;
  readonly started: PromiseWithResolvers<Started>;
  readonly ended: PromiseWithResolvers<Exit>;
  /** As it was last ordered, in this life; dropped when the attempt is over. */
  order: ProcessOrder | undefined;
  /** The account that its processes run as. */
  uid: number;
  /** The slot of this life that runs it; an attempt without one is watched. */
  slot: Slot | undefined;
  /** A container engine runs it, and no slot. */
  contained: boolean;
  /** Where its ports are reached, if it has a network of its own. */
  address: string | undefined;
  /** It is being ended because a log is full. */
  isCapped: boolean;
  /** Nothing of it runs any more, or ever will. */
  isOver: boolean;
};

/** What every process of an attempt has in its environment. */
export const marksOf = (
  mark: Readonly<Record<string, string>>,
  { job, attempt, rank }: AttemptKey,
): Readonly<Record<string, string>> => ({
  ...mark,
  SWM_JOB_ID: job,
  SWM_ATTEMPT: `${attempt}`,
  SWM_RANK: `${rank}`,
});

export function makeAttempt(key: AttemptKey, path: string): Attempt {
  const attempt: Attempt = {
    key,
    path,
    started: Promise.withResolvers(),
    ended: Promise.withResolvers(),
    order: undefined,
    uid: -1,
    slot: undefined,
    contained: false,
    address: undefined,
    isCapped: false,
    isOver: false,
  };
  // Often nobody waits for one of the two.
  attempt.started.promise.catch(() => {});
  attempt.ended.promise.catch(() => {});
  return attempt;
}

/** Tells those who wait what the record says. True when the attempt is over. */
export function settle(attempt: Attempt, told: Told): boolean {
  switch (told.is) {
    case 'nothing':
    case 'starting':
      return false;
    case 'refused':
      return fail(attempt, new Failed('refused', 'the attempt was stopped before it started'));
    case 'failed':
      return fail(attempt, startFailed(attempt, told.step, told.errno));
    case 'running':
      attempt.started.resolve(startedOf(told));
      return false;
    case 'ended':
      attempt.started.resolve(startedOf(told));
      return end(attempt, told.exit);
  }
}

/** Nothing of it runs any more. */
export function end(attempt: Attempt, exit: Exit): true {
  attempt.isOver = true;
  attempt.ended.resolve(exit);
  return true;
}

/** Nothing of it runs, and no exit can be told. */
export function fail(attempt: Attempt, why: Failed): true {
  attempt.isOver = true;
  attempt.started.reject(why);
  attempt.ended.reject(why);
  return true;
}

/** Why a start did not come to be, for the user; `closed` is what its account may not enter. */
export function startFailed(attempt: Attempt, step: string, code: number, closed = ''): Failed {
  const { order } = attempt;
  const user = order?.user ? `the account '${order.user}'` : 'the account of jobs';
  const why = code === 0 ? '' : ` (${systemError(code)})`;
  switch (step) {
    case 'directory': {
      const where = closed || order?.directory || 'its working directory';
      return new Failed('start_failed', `${user} cannot enter ${where}${why}`);
    }
    case 'stdin':
      return new Failed('start_failed', `${user} cannot read ${order?.stdin ?? 'stdin'}${why}`);
    case 'log': {
      const logs = order ? `${order.stdout} and ${order.stderr}` : 'its logs';
      return new Failed('start_failed', `${user} cannot write ${logs}${why}`);
    }
    case 'user':
      return new Failed('start_failed', `the system refused to become ${user}${why}`);
    case 'fork':
      return new Failed('start_failed', `the system refused a new process${why}`, true);
    case 'engine':
      return new Failed('start_failed', 'the container engine refused to start it');
    case 'record': {
      const full = code === 28 || code === 122;
      const text = `the attempt's record ${attempt.path} could not be written${why}`;
      return new Failed(full ? 'disk_full' : 'start_failed', text);
    }
    default:
      return new Failed('start_failed', 'what starts jobs was killed while it started this', true);
  }
}

const startedOf = (told: Told & { is: 'running' | 'ended' }): Started => ({
  pid: told.main.pid,
  at: told.at,
  unenforced: unenforcedWords(told.unenforced),
});

const known: Readonly<Record<number, string>> = {
  1: 'not permitted',
  2: 'not found',
  6: 'a pipe that nobody reads',
  11: 'out of processes',
  12: 'out of memory',
  13: 'permission denied',
  20: 'not a directory',
  21: 'is a directory',
  24: 'too many open files',
  28: 'the disk is full',
  30: 'read-only',
  40: 'a symbolic link',
  122: 'over quota',
};

const systemError = (code: number): string => known[code] ?? `error ${code}`;
