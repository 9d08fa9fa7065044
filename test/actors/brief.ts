import { LEADER } from '../../src/protocol/ref.ts';
import type { Effect, TaskTypes } from '../../src/runtime/behaviour.ts';

export type Any = Effect<unknown, TaskTypes>;

/**
 * An effect in a line, so that a test can hold the whole list of them: what is done, to whom, by
 * which message; not all that is in it.
 */
export function brief(effect: Any): string {
  switch (effect.do) {
    case 'tell':
      return `tell ${at(effect.to)} ${effect.message.name}`;
    case 'ask':
      return `ask ${at(effect.to)} ${effect.message.name}${key(effect.key)}`;
    case 'reply':
      return `reply ${effect.ask} ${JSON.stringify(effect.body)}`;
    case 'refuse':
      return `refuse ${effect.ask} ${effect.failure.code}: ${effect.failure.text}`;
    case 'run':
      return `run ${effect.task}${key(effect.key)}`;
    case 'after':
      return `after ${effect.ms} ${(effect.event as { is: string }).is}`;
    case 'watch':
      return `watch ${at(effect.who)}`;
    case 'note':
      return `note ${effect.text}`;
    default:
      return effect.do;
  }
}

/** The leader's actors without their node; those of others with it. */
const at = (to: { node: string; path: string }): string =>
  to.node === LEADER ? to.path : `${to.node}${to.path}`;
const key = (text = ''): string => (text === '' ? '' : ` (${text})`);
