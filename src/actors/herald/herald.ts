import type { Failure } from '../../protocol/errors.ts';
import type { JobChange } from '../../protocol/job-change.ts';
import { limits } from '../../protocol/limits.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Behaviour, Effect, Heard, Step } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';

/** What is to be told of one job, and how far that is. */
export type Herald = {
  readonly phase: 'telling' | 'idle';
  readonly round: number;
  readonly job: string;
  readonly url: string;
  /** The last change that it has heard of. */
  readonly seq: number;
  /** Changes that the receiver has not got, the oldest first. */
  readonly untold: readonly JobChange[];
  /** How often the first of them was tried, since when, and when it is tried next. */
  readonly tries: number;
  readonly since: Millis;
  readonly nextAt: Millis;
  readonly erased: boolean;
};

export type HeraldHears = 'herald.tell' | 'herald.forget';
export type HeraldEvent = { readonly is: 'again' };
export type HeraldTasks = {
  /** Tells the receiver of a change, whose number is the key of the task. */
  post: readonly [{ readonly job: string; readonly url: string; readonly change: JobChange }, null];
};
type HeraldEffect = Effect<HeraldEvent, HeraldTasks>;
type HeraldStep = Step<Herald, HeraldEvent, HeraldTasks>;

/**
 * Tells the receiver that a job names of each of its changes, one after another, in their order. A
 * receiver may get one twice, never one that is not committed; what it does not take in time is
 * given up, and the next is told.
 */
export const herald: Behaviour<
  Body<'herald.tell'>,
  Herald,
  HeraldHears,
  HeraldEvent,
  HeraldTasks
> = {
  init: ({ job, url }, now) => ({
    phase: 'idle',
    round: 0,
    job,
    url,
    seq: 0,
    untold: [],
    tries: 0,
    since: now,
    nextAt: 0,
    erased: false,
  }),

  enter(state, now): readonly HeraldEffect[] {
    const { job, url, untold, nextAt } = state;
    const [change] = untold;
    if (state.phase === 'idle' || change === undefined) return [];
    if (nextAt > now) return [{ do: 'after', ms: nextAt - now, event: { is: 'again' } }];
    return [{ do: 'run', task: 'post', key: String(change.seq), input: { job, url, change } }];
  },

  on(state, event: Heard<HeraldHears, HeraldEvent, HeraldTasks>, now): HeraldStep {
    switch (event.is) {
      case 'told': {
        const { body } = event.message;
        return 'before' in body
          ? [forgotten(state, body.before), []]
          : told(state, body, event.ask, now);
      }
      case 'again':
        return [{ ...state, round: state.round + 1 }, []];
      case 'done':
        return [without(state, event.key, now), []];
      case 'failed':
        return missed(state, event.key, event.failure, now);
      default:
        return [state, []];
    }
  },
};

/** The job tells all that is not acknowledged, again and again. */
function told(
  state: Herald,
  { url, changes }: Body<'herald.tell'>,
  ask: number,
  now: Millis,
): HeraldStep {
  const fresh = changes.filter(({ seq }) => seq > state.seq);
  const seq = fresh.at(-1)?.seq ?? state.seq;
  const reply: HeraldEffect = { do: 'reply', ask, body: { seq } };
  if (fresh.length === 0) return [state, [reply]];
  const untold = [...state.untold, ...fresh].slice(-limits.heraldChangesMax);
  const next: Herald = { ...state, url, seq, untold, erased: false };
  return [state.phase === 'idle' ? first(next, now) : next, [reply]];
}

/** Begins with the first of those that are left, or rests. */
const first = (state: Herald, now: Millis): Herald => ({
  ...state,
  phase: state.untold.length > 0 ? 'telling' : 'idle',
  round: state.round + 1,
  tries: 0,
  since: now,
  nextAt: 0,
});

/** The change may have had to make room for newer ones while it was told. */
const without = (state: Herald, key: string, now: Millis): Herald =>
  first({ ...state, untold: state.untold.filter(({ seq }) => String(seq) !== key) }, now);

function missed(state: Herald, key: string, why: Failure, now: Millis): HeraldStep {
  const tries = state.tries + 1;
  const nextAt = now + pauseOf(tries);
  const isLast = tries >= limits.heraldTriesMax || nextAt > state.since + limits.heraldMsMax;
  if (why.retry && !isLast) return [{ ...state, tries, nextAt, round: state.round + 1 }, []];
  const text = `change ${key} of job ${state.job} is not told to ${hostOf(state.url)}: ${why.text}`;
  const note: HeraldEffect = { do: 'note', level: 'warn', text, fields: { tries } };
  return [without(state, key, now), [note]];
}

const pauseOf = (tries: number): Millis =>
  Math.min(limits.heraldPauseMsMax, limits.heraldPauseMs * 2 ** (tries - 1));

/** The rest of a URL may be what proves to the receiver who speaks. */
const hostOf = (url: string): string => new URL(url).host;

/** Whoever has told all of it is needed no more once the job's own record is long over. */
const forgotten = (state: Herald, before: Millis): Herald =>
  state.phase === 'idle' && state.since < before ? { ...state, erased: true, untold: [] } : state;
