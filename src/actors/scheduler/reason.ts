import type { Resources } from '../../protocol/model.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Over } from './bounds.ts';
import { show } from './want.ts';

/** Why a job waits: what it lacks, how much of it, where, and until when. */
export type Reason =
  /**
   * Room on nodes. `able`: those of one cluster that would do if they were empty, which are
   * counted when somebody asks.
   */
  | {
      readonly is: 'room';
      readonly nodes: number;
      readonly want: Resources;
      readonly exclusive: boolean;
      readonly constraint: readonly string[];
      readonly queue: string;
      readonly free: number;
      readonly able?: number;
      readonly here: number;
      readonly port?: number;
      /** When it has room, as far as all that runs ends when it said. */
      readonly at?: Millis;
      /** A job that has its place here is asked to make room for it. */
      readonly preempts?: boolean;
    }
  /** It would hold more than somebody may. */
  | ({ readonly is: 'bound' } & Over)
  /** Another is before it, and nothing overtakes that one. */
  | { readonly is: 'behind'; readonly job: string }
  /** Not all of its gang wait. */
  | { readonly is: 'gang'; readonly gang: string; readonly here: number; readonly of: number }
  /** What its queue does not allow. */
  | { readonly is: 'queue'; readonly text: string; readonly never: true }
  /** What stands in its way at the sites, in words. */
  | { readonly is: 'site'; readonly text: string; readonly never: boolean }
  /** The pass that would have looked for a place failed. */
  | { readonly is: 'fault'; readonly text: string }
  /** A failure has ended its last try, or it was refused a place. */
  | { readonly is: 'rests'; readonly until: Millis };

/** Whether nothing that is here could ever change it. */
export function isNever(reason: Reason): boolean {
  switch (reason.is) {
    case 'room':
      return reason.here > 0 && reason.able !== undefined && reason.able < reason.nodes;
    case 'bound':
      return reason.wants > reason.most;
    case 'queue':
    case 'site':
      return reason.never;
    case 'behind':
    case 'fault':
    case 'gang':
    case 'rests':
      return false;
  }
}

/** In words for its owner: all that stands in its way, the nearest first. */
export const inWords = (reasons: readonly Reason[]): string => reasons.map(words).join('; ');

export const instant = (at: Millis): string => new Date(at).toISOString();

function words(reason: Reason): string {
  switch (reason.is) {
    case 'room':
      return room(reason);
    case 'bound': {
      const { by, what, holds, wants, most } = reason;
      const one = what.slice(0, -1);
      const more = wants === 1 ? `one ${one} more` : `${wants} ${what} more`;
      return `needs ${more}, and ${by} holds ${holds} of ${most}`;
    }
    case 'behind':
      return `waits behind job ${reason.job}, which nothing overtakes`;
    case 'gang': {
      const { gang, here, of } = reason;
      return `of gang ${gang} ${here} of ${of} jobs wait: they start together`;
    }
    case 'fault':
      return `the scheduler has failed, and tries again: ${reason.text}`;
    case 'queue':
    case 'site':
      return reason.text;
    case 'rests':
      return `tries again at ${instant(reason.until)}`;
  }
}

type Room = Extract<Reason, { readonly is: 'room' }>;

function room(reason: Room): string {
  const { nodes, want, exclusive, constraint, queue, free, able, here, port, at } = reason;
  if (here === 0) return 'no node is up';
  const which = [
    ...(exclusive ? [' of its own'] : []),
    ...(constraint.length > 0 ? [` labelled ${constraint.join(', ')}`] : []),
    ...(queue === '' ? [] : [` of queue ${queue}`]),
  ].join('');
  const wish = `needs ${nodes} node${nodes === 1 ? '' : 's'}${which} with ${show(want)}`;
  if (isNever(reason)) return `${wish}; ${able} of the ${here} nodes here ever could`;
  return [
    wish,
    `${free} free now`,
    ...(port === undefined ? [] : [`port ${port} is in use by another job`]),
    ...(reason.preempts ? ['others make room for it'] : []),
    ...(at === undefined ? [] : [`room is kept for it from ${instant(at)}`]),
  ].join('; ');
}
