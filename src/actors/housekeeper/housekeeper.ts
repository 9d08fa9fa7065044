import { limits } from '../../protocol/limits.ts';
import { type Message, message } from '../../protocol/messages.ts';
import { LEADER, type Ref, ref, split } from '../../protocol/ref.ts';
import type { Behaviour, Effect, Step } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';

/** Paths under an index that are to be purged once they are so old. */
export type Rule = { readonly index: string; readonly keptMs: Millis };

export type HousekeeperArgs = {
  /** Where the records' owners live: a node, or the leader. */
  readonly node: string;
  readonly rules: readonly Rule[];
};
export type Housekeeper = HousekeeperArgs & { readonly phase: 'on' };
export type HousekeeperEvent = { readonly is: 'look' };
/** What is old, and since before when; at most a page of it. */
export type Old = { readonly path: string; readonly before: Millis };
export type HousekeeperTasks = {
  look: readonly [
    { readonly rules: readonly Rule[]; readonly now: Millis },
    { readonly old: readonly Old[]; readonly isAll: boolean },
  ];
};
type HousekeeperEffect = Effect<HousekeeperEvent, HousekeeperTasks>;
type HousekeeperStep = Step<Housekeeper, HousekeeperEvent, HousekeeperTasks>;

/**
 * Looks from time to time for what nobody needs any more, and tells its owners so. Each deletes its
 * own record, and only if it finds the same: what was used meanwhile is not old.
 */
export const housekeeper: Behaviour<
  HousekeeperArgs,
  Housekeeper,
  never,
  HousekeeperEvent,
  HousekeeperTasks
> = {
  init: (args) => ({ ...args, phase: 'on' }),
  enter: ({ rules }, now) => [{ do: 'run', task: 'look', input: { rules, now } }],
  on(state, event, now): HousekeeperStep {
    switch (event.is) {
      case 'look':
        return [state, [{ do: 'run', task: 'look', input: { rules: state.rules, now } }]];
      case 'done': {
        const { old, isAll } = event.value;
        const tells = old.map(({ path, before }) => forget(state.node, path, before));
        return [state, [...tells, after(isAll ? pauseOf(state) : limits.housekeepMsMin)]];
      }
      case 'failed':
        return [state, [after(limits.housekeepMsMax)]];
      default:
        return [state, []];
    }
  },
};

const after = (ms: Millis): HousekeeperEffect => ({ do: 'after', ms, event: { is: 'look' } });

/** Often enough that nothing is kept for much longer than it should be. */
const pauseOf = ({ rules }: Housekeeper): Millis => {
  const shortest = Math.min(...rules.map(({ keptMs }) => keptMs)) / 4;
  return Math.max(limits.housekeepMsMin, Math.min(limits.housekeepMsMax, shortest));
};

const forget = (node: string, path: string, before: Millis): HousekeeperEffect => ({
  do: 'tell',
  to: at(node, path),
  message: words(path, before),
});

const at = (node: string, path: string): Ref => ref(node === '' ? LEADER : node, path);

function words(path: string, before: Millis): Message {
  const { pool, name } = split(path);
  switch (pool) {
    case '/jobs':
      return message('job.purge', { id: name, before });
    case '/clusters':
      return message('cluster.forget', { cluster: name, before });
    case '/heralds':
      return message('herald.forget', { job: name, before });
    case '/nodes':
      return message('node.forget', { node: name, before });
    case '/runners':
      return message('runner.forget', { runner: name, before });
    default:
      throw new Error(`${path} is of no kind that grows old`);
  }
}
