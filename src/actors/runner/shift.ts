import { limits } from '../../protocol/limits.ts';
import { message } from '../../protocol/messages.ts';
import { control } from '../../protocol/ref.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { ShiftNews, Work } from '../ways.ts';
import type { Runner, RunnerEffect, RunnerHeard, RunnerStep, ShiftWork } from './runner.ts';

/**
 * A shift runs tasks of an array. Its program has them in a row; what it did is in a file, and the
 * array knows how much of that it has taken. So nothing of this is kept: whoever comes back begins
 * to read at the beginning, and is told where to go on.
 */

const isShift = ({ order }: Runner): boolean => Boolean(order?.shift);

const workOf = ({ work, startedAt }: Runner): ShiftWork =>
  work ?? { from: 0, since: startedAt, over: false, isTold: false };

const withWork = (state: Runner, change: Partial<ShiftWork>): Runner => ({
  ...state,
  work: { ...workOf(state), ...change },
});

/** Looks at what it did; nothing once nobody wants to know. */
export function look(state: Runner): readonly RunnerEffect[] {
  const { order, place } = state;
  const { from, isTold } = workOf(state);
  if (!order?.shift || place === null || isTold) return [];
  const isLast = state.phase === 'collecting';
  return [{ do: 'run', task: 'news', input: { place, owner: order.owner, from, isLast } }];
}

const later: RunnerEffect = { do: 'after', ms: limits.againMs, event: { is: 'work' } };

/** Whether its results are still to be told: only then its files are collected. */
export const tells = (state: Runner): boolean =>
  isShift(state) && state.place !== null && !workOf(state).isTold;

/** What a shift does while it runs, and for its last results; undefined: it is no such event. */
export function works(state: Runner, event: RunnerHeard, now: Millis): RunnerStep | undefined {
  if (!isShift(state)) return undefined;
  switch (event.is) {
    case 'work':
      return [state, look(state)];
    case 'done':
      if (event.task === 'news') return did(state, event.value, now);
      return event.task === 'feed' || event.task === 'recall' ? [state, look(state)] : undefined;
    case 'failed':
      if (!['news', 'feed', 'recall'].includes(event.task)) return undefined;
      // What cannot be read now will hardly be at the end: its tasks go to another.
      return event.task === 'news' && state.phase === 'collecting'
        ? [withWork(state, { isTold: true }), []]
        : [state, [later]];
    case 'answered':
      return event.name === 'shift.next' ? heard(state, event.body as Work, now) : undefined;
    case 'unanswered':
      if (event.key !== KEY) return undefined;
      // This attempt is given up, and nobody takes anything of it any more.
      return event.failure.retry ? [state, [later]] : [withWork(state, { isTold: true }), []];
    default:
      return undefined;
  }
}

/** The same for one that has ended: once all of it is told, its files are collected. */
export function tellsLast(state: Runner, event: RunnerHeard, now: Millis): RunnerStep | undefined {
  if (state.order === null || !tells(state)) return undefined;
  const step = works(state, event, now);
  if (step === undefined || tells(step[0])) return step;
  return [step[0], [...step[1], { do: 'run', task: 'collect', input: state.order }]];
}

const KEY = 'work';

function did(state: Runner, news: ShiftNews, now: Millis): RunnerStep {
  const work = workOf(state);
  // All of it is taken, and nothing more will come.
  if (state.phase === 'collecting' && news.to === work.from)
    return [withWork(state, { isTold: true }), []];
  const { key, node, place } = state;
  // It is at one task for long: another may be able to begin those that it has besides.
  const isSlow = news.to === news.from && news.open > 1;
  if (isSlow && state.phase === 'running' && place !== null)
    return [state, [{ do: 'run', task: 'recall', input: { place } }]];
  const { from, to, results, granted } = news;
  const wants = work.over || state.stop !== null ? 0 : wanted(work, news, now);
  const body = { job: key.job, node, attempt: key.attempt, from, to, granted, wants };
  return [
    state,
    [
      {
        do: 'ask',
        to: control(`/jobs/${key.job}`),
        message: message('shift.next', { ...body, results: [...results] }),
        ms: limits.claimMs,
        key: KEY,
      },
    ],
  ];
}

/**
 * Enough for two reports, by how fast it was, but never much more than it just did; of tasks that
 * take long, one at a time.
 */
function wanted({ since }: ShiftWork, { open, results }: ShiftNews, now: Millis): number {
  const ended = results
    .filter(({ how }) => how !== 'returned')
    .reduce((sum, { from, to }) => sum + to - from + 1, 0);
  const perReport = (ended * limits.arrayReportMs) / Math.max(1, now - since);
  const more = Math.ceil(Math.min(2 * perReport, 4 * ended, limits.arrayGrantMax)) - open;
  return Math.max(more, open <= 0 ? 1 : 0);
}

function heard(state: Runner, work: Work, now: Millis): RunnerStep {
  const over = workOf(state).over || work.over;
  const next = withWork(state, { from: work.heard, since: now, over });
  if (state.phase === 'collecting' || state.place === null) return [next, look(next)];
  const isNews = work.places.length > 0 || work.cancelled.length > 0 || work.over;
  return isNews
    ? [next, [{ do: 'run', task: 'feed', input: { place: state.place, work } }]]
    : [next, look(next)];
}
