import type { NamedTasks, TaskCounts, TaskView } from '../../protocol/array-model.ts';
import { limits } from '../../protocol/limits.ts';
import { whyHeld } from '../job/hold.ts';
import {
  type ArrayJob,
  between,
  indexOf,
  liveShifts,
  runsBetween,
  shiftOf,
  waitingOf,
} from './array.ts';
import { taskOf } from './runs.ts';

/** How an array shows what becomes of its tasks. */

export function tasksOf({ tasks }: ArrayJob): TaskCounts {
  const { given, good, failed, cancelled } = tasks.tally;
  const waiting = waitingOf(tasks);
  return { total: tasks.total, waiting, running: given, good, failed, cancelled };
}

/** The shift that waits for a place while none has begun: what it waits for, the array does. */
export function waitsBy({ tasks }: ArrayJob): string | undefined {
  if (tasks.tally.begun > 0) return undefined;
  const [first] = liveShifts(tasks);
  return first?.[1].id;
}

/** Why it waits, if it does, and how many tasks are how. */
export function detailsOf(job: ArrayJob, reason: string): string {
  const { total, waiting, running, good, failed, cancelled } = tasksOf(job);
  const parts = [
    job.phase === 'ended' ? job.details : whyHeld(job),
    `${good + failed + cancelled} of ${total} tasks ended`,
    failed > 0 ? `${failed} failed` : '',
    cancelled > 0 ? `${cancelled} cancelled` : '',
    running > 0 ? `${running} running` : '',
    waiting > 0 ? `${waiting} waiting` : '',
  ];
  const counts = parts.filter((part) => part !== '').join(', ');
  return (reason === '' ? counts : `${reason}; ${counts}`).slice(0, 4096);
}

/** Single tasks, by their indexes, as many as one answer has room for. */
export function shownTasks(job: ArrayJob, named: NamedTasks): TaskView[] {
  const found: TaskView[] = [];
  for (const [from, to] of named) {
    const places = between(job, from, to);
    if (places === undefined) continue;
    for (const { from: begin, to: end, word, shift } of runsBetween(job.tasks, places)) {
      const { kind, code, tries } = taskOf(word);
      const isExit = kind === 'exited';
      for (let place = begin; place <= end && found.length < limits.arrayNamedMax; place++)
        found.push({
          index: indexOf(job, place),
          state: kind === 'given' ? 'running' : kind,
          exitcode: isExit ? code : 0,
          signal: isExit ? 0 : code,
          tries,
          shift: word === 0 ? '' : (shiftOf(job.tasks, shift)?.id ?? ''),
        });
    }
  }
  return found;
}
