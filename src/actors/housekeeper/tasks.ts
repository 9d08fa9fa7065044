import { limits } from '../../protocol/limits.ts';
import type { Tasks } from '../../runtime/family.ts';
import type { Store } from '../../runtime/ports.ts';
import { find } from '../../runtime/record.ts';
import { sortable } from '../keeping.ts';
import type { HousekeeperEvent, HousekeeperTasks } from './housekeeper.ts';

/** Reads of each index what is older than its rule says, the oldest first. */
export const housekeeperTasks = (store: Store): Tasks<HousekeeperEvent, HousekeeperTasks> => ({
  look: async ({ rules, now }) => {
    const found = rules.map(({ index, keptMs }) => {
      const before = Math.max(0, now - keptMs);
      const below = `${index}/${sortable(before)}`;
      const { paths, next } = find(store, `${index}/`, limits.pageMax, '', below);
      return { old: paths.map((path) => ({ path, before })), isAll: next === '' };
    });
    return { old: found.flatMap(({ old }) => old), isAll: found.every(({ isAll }) => isAll) };
  },
});
