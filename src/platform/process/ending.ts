import { setTimeout as sleep } from 'node:timers/promises';
import { Failed } from '../../protocol/errors.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Attempt } from './attempt.ts';

/** How all of one attempt is asked to end, and how it is made to. */
export type Ways = {
  terminate(): void | Promise<void>;
  /** Kills what there is of it now; nothing if `isOver` by then. */
  kill(isOver: () => boolean): Promise<void>;
};

/** TERM, grace, KILL until the attempt is over. */
export async function bringToEnd(
  attempt: Attempt,
  ways: Ways,
  graceMs: Millis,
  isOpen: () => boolean,
): Promise<void> {
  const over = new AbortController();
  const done = attempt.ended.promise.catch(() => {}).then(() => over.abort());
  const pause = (ms: Millis) => sleep(ms, undefined, over).catch(() => {});
  if (graceMs > 0) {
    await ways.terminate();
    await pause(graceMs);
  }
  for (let ms = 5; !attempt.isOver; ms = Math.min(2 * ms, 1_000)) {
    if (!isOpen()) throw new Failed('stopping', 'the worker is closing');
    await ways.kill(() => attempt.isOver || !isOpen());
    await pause(ms);
  }
  await done;
}
