import type { Body, Reply } from '../../protocol/messages.ts';
import { queueOf } from '../../protocol/policy.ts';
import { neverFits } from './fit.ts';
import { free } from './free.ts';
import { withAble } from './keep.ts';
import { type InLine, keyed } from './lines.ts';
import { type Free, notInQueue, usualTime } from './pass.ts';
import { inWords } from './reason.ts';
import type { Scheduler } from './scheduler.ts';
import { taken } from './shelf.ts';

/** What the scheduler answers of jobs that wait, or would. */

/** Why each waits, in words. Of those that do not, or of whom no pass has heard yet, nothing. */
export function why(state: Scheduler, ids: readonly string[]): Record<string, string> {
  // What could not be looked at is not looked at again to tell of it.
  const room = state.fault === '' ? free(state) : undefined;
  const counted = new Map<string, string>();
  const reasons: Record<string, string> = {};
  for (const id of ids) {
    const job = state.proposed.has(id) ? undefined : taken(state.waiting, id);
    if (job === undefined) continue;
    const isAlike = !state.resting.has(id);
    const text = (isAlike && counted.get(job.key)) || textOf(state, room, job);
    if (isAlike) counted.set(job.key, text);
    if (text !== '') reasons[id] = text;
  }
  return reasons;
}

function textOf(
  { resting, refused, fault }: Scheduler,
  room: Free | undefined,
  job: InLine,
): string {
  const rests = resting.get(job.id);
  if (rests !== undefined) return inWords([{ is: 'rests', until: rests.notBefore }]);
  if (room === undefined) return inWords([{ is: 'fault', text: fault }]);
  return inWords(withAble(refused.get(job.key) ?? [], room, job));
}

/** Whether a job could ever run, and how long it may; what is found is kept for the next alike. */
export function check(
  state: Scheduler,
  { spec, owner }: Body<'scheduler.check'>,
): readonly [Scheduler, Reply<'scheduler.check'>] {
  const { policy, remotes, sites } = state;
  const usual = usualTime(queueOf(policy, spec.queue));
  const walltimeMs = usual > 0 && spec.walltimeMs === 0 ? { walltimeMs: usual } : {};
  const job = { id: '', attempt: 1, submittedAt: 0, notBefore: 0, spec, owner };
  const wrong = notInQueue(policy, job);
  if (wrong !== '' || !remotes.every((remote) => sites.has(remote)))
    return [state, { impossible: wrong, ...walltimeMs }];
  const { key } = keyed(policy)(job);
  const known = state.checked.get(key);
  const impossible = known ?? neverFits(everything(state), spec, owner);
  const checked = known === undefined ? new Map(state.checked).set(key, impossible) : state.checked;
  return [
    { ...state, checked },
    { impossible, ...walltimeMs },
  ];
}

const everything = (state: Scheduler): Parameters<typeof neverFits>[0] => ({
  ...free(state),
  holds: [],
  nodes: [...state.clusters.values()].flatMap(({ open, cluster, nodes }) =>
    open ? nodes.map((node) => ({ ...node, cluster })) : [],
  ),
});
