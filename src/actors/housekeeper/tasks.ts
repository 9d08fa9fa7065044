import { limits } from '../../protocol/limits.ts';
import type { Tasks } from '../../runtime/family.ts';
import type { Millis, Store } from '../../runtime/ports.ts';
import { find } from '../../runtime/record.ts';
import { ENDED } from '../job/keeping.ts';
import { sortable } from '../keeping.ts';
import type { HousekeeperEvent, HousekeeperTasks } from './housekeeper.ts';

export type HousekeeperPorts = {
  /** How long ended jobs are kept as of now, if not as the rule says. */
  readonly retentionMs?: Millis;
};

/** Reads of each index what is older than its rule says, the oldest first. */
export const housekeeperTasks = (
  store: Store,
  ports: HousekeeperPorts = {},
): Tasks<HousekeeperEvent, HousekeeperTasks> => ({
  look: async ({ rules, now }) => {
    const found = rules.map(({ index, keptMs: ruled }) => {
      const keptMs = index === ENDED ? (ports.retentionMs ?? ruled) : ruled;
      const before = Math.max(0, now - keptMs);
      const below = `${index}/${sortable(before)}`;
      const { paths, next } = find(store, `${index}/`, limits.pageMax, '', below);
      return { old: paths.map((path) => ({ path, before })), isAll: next === '' };
    });
    return { old: found.flatMap(({ old }) => old), isAll: found.every(({ isAll }) => isAll) };
  },
});
