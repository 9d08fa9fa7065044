import { limits } from '../../protocol/limits.ts';
import type { Records } from '../../runtime/ports.ts';
import { find, isKept } from '../../runtime/record.ts';
import { SHORT } from '../job/keeping.ts';

export type JobIds = {
  readonly store: Records;
  /** A fresh UUID, or the one that an owner's idempotency key always gives. */
  readonly jobId: (owner: string, key: string | undefined) => string;
};

/**
 * A job's id, which the same key gives again. Clusters bear its first eight digits: where another
 * job has them, the next id that the key gives is taken, unless this key has made its job before.
 */
export function jobIdOf({ store, jobId }: JobIds, owner: string, key: string | undefined): string {
  const ids = Array.from({ length: limits.idTriesMax }, (_, i) =>
    jobId(owner, key === undefined || i === 0 ? key : `${key}\n${i}`),
  );
  const made = key === undefined ? undefined : ids.find((id) => isKept(store, `/jobs/${id}`));
  const isFree = (id: string): boolean =>
    find(store, `${SHORT}/${id.slice(0, 8)}`, 1).paths.length === 0;
  return made ?? ids.find(isFree) ?? (ids[0] as string);
}
