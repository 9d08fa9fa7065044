import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_MS = 25;

/** Waits for a condition, not for a time. Throws if it does not come to hold. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  seconds = 20,
  what = 'it',
): Promise<void> {
  const late = performance.now() + seconds * 1000;
  while (!(await holds())) {
    if (performance.now() > late) throw new Error(`${what} was not so within ${seconds} s`);
    await sleep(LOOK_MS);
  }
}
