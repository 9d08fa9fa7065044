import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  statSync,
  writeSync,
} from 'node:fs';
import type { ProcessOrder } from '../../actors/ports.ts';

/** Whether one of its logs has outgrown the limit. A job writes them itself, at full speed. */
export const isOverCap = ({ stdout, stderr }: ProcessOrder, bytesMax: number): boolean =>
  [stdout, stderr].some(
    (path) => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > bytesMax,
  );

/**
 * Cuts each log that is too long and says so at its end. Called when nothing of the job is left. It
 * touches plain files of the job's own account only, whatever the job put in their place.
 */
export function cutLogs({ stdout, stderr }: ProcessOrder, bytesMax: number, uid: number): void {
  for (const path of new Set([stdout, stderr])) cut(path, bytesMax, uid);
}

function cut(path: string, bytesMax: number, uid: number): void {
  let file: number;
  try {
    const { O_RDWR, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants;
    file = openSync(path, O_RDWR | O_APPEND | O_NOFOLLOW | O_NONBLOCK);
  } catch {
    return;
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || stat.uid !== uid || stat.nlink !== 1 || stat.size <= bytesMax) return;
    ftruncateSync(file, bytesMax);
    writeSync(
      file,
      `\nswm: this log reached its limit of ${bytesMax} bytes; the rest is not kept\n`,
    );
  } finally {
    closeSync(file);
  }
}
