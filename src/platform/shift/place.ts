import { chmod } from 'node:fs/promises';
import { replaced } from '../job-files.ts';
import { besideShift, GRANTS, INDEX } from './files.ts';
import { shiftProgram } from './program.ts';

/**
 * Puts there what makes an attempt a shift: its program in the place of the script, and the two
 * files by which it and the worker speak. The list of results is the account's, which writes it.
 */
export async function placeShift(
  script: string,
  taskMs: number,
  give: (path: string, mode: number) => Promise<void>,
): Promise<void> {
  const grants = besideShift({ script }, GRANTS);
  const index = besideShift({ script }, INDEX);
  const texts = [
    [grants, ''],
    [index, ''],
    [script, shiftProgram(taskMs)],
  ] as const;
  for (const [path, text] of texts) await replaced(path, text);
  await chmod(grants, 0o644);
  await give(index, 0o600);
}
