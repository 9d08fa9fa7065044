import { setTimeout as sleep } from 'node:timers/promises';

export { sleep };

/** Waits until it is so, looking often; throws with the name of what was awaited. */
export async function until(what: string, isSo: () => boolean, withinMs = 10_000): Promise<void> {
  const deadline = performance.now() + withinMs;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`never: ${what}`);
    await sleep(2);
  }
}
