import type { NamedTasks } from '../../protocol/array-model.ts';
import { Failed } from '../../protocol/errors.ts';
import type { JobView, Spec } from '../../protocol/model.ts';
import type { Records } from '../../runtime/ports.ts';
import { load } from '../../runtime/record.ts';
import { isArray } from '../array/array.ts';
import { shownTasks } from '../array/view.ts';
import type { Job } from '../job/job.ts';
import { keeping } from '../job/keeping.ts';

/** What a job may be, and an array cannot: each of its tasks would have to be a job of its own. */
export const unableInArrays: Readonly<Record<string, (spec: Spec) => boolean>> = {
  'array with nodes': ({ array, nodes }) => array !== null && nodes > 1,
  'array with ports': ({ array, ports }) => array !== null && ports.length > 0,
  'array with ranks main': ({ array, ranks }) => array !== null && ranks === 'main',
  'array with container-image': ({ array, containerImage }) =>
    array !== null && containerImage !== '',
  'array with checkpoint': ({ array, checkpoint }) => array !== null && checkpoint,
  'array with budget': ({ array, budget = 0 }) => array !== null && budget > 0,
};

/** With what the shifts of an array brought back, and the tasks that were asked for. */
export function withTasks(
  store: Records,
  job: Job,
  view: JobView,
  named: NamedTasks | undefined,
): JobView {
  if (!isArray(job)) {
    if (named === undefined) return view;
    throw new Failed('not_found', `job ${job.id} is no array, and has no tasks`);
  }
  const collected = job.tasks.shifts.flat().flatMap(({ id }) => {
    const reports = load(store, keeping, `/jobs/${id}`)?.state.reports;
    return reports?.[0]?.collected ?? [];
  });
  return {
    ...view,
    outputs: [...new Map(collected.flatMap((c) => c.outputs).map((o) => [o.path, o])).values()],
    missing: [...new Set(collected.flatMap((c) => c.missing))],
    ...(named && { shown: shownTasks(job, named) }),
  };
}
