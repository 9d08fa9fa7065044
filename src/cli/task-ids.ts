import type { NamedTasks } from '../protocol/array-model.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';

export type Named = { readonly id: string; readonly tasks?: NamedTasks };

/** A job as its user names it: an id; or tasks of an array, as `ID[17]`, `ID[3-7,9]`, `ID_17`. */
export function named(text: string): Named {
  const found = /^([0-9a-fA-F-]+)(?:_(\d+)|\[([^\]]*)\])$/.exec(text);
  if (found === null) return { id: text };
  const [, id = '', one, some = ''] = found;
  const tasks = (one ?? some).split(',').map((part): [number, number] => {
    const span = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(part);
    const from = Number(span?.[1]);
    const to = Number(span?.[2] ?? span?.[1]);
    if (span !== null && from <= to && to <= limits.arrayIndexMax) return [from, to];
    throw new Failed('malformed', `${text}: wanted tasks as ID[17], ID[3-7,9] or ID_17`);
  });
  if (tasks.length <= limits.arrayNamedMax) return { id, tasks };
  throw new Failed('malformed', `${text}: names more than ${limits.arrayNamedMax} ranges of tasks`);
}

/** The one task that is named; undefined: a whole job is. */
export function oneTask(text: string, { tasks }: Named): number | undefined {
  if (tasks === undefined) return undefined;
  const [[from, to] = [0, 1]] = tasks;
  if (tasks.length === 1 && from === to) return from;
  throw new Failed('malformed', `${text}: wanted one task, as ID[17] or ID_17`);
}
