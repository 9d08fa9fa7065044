import { setTimeout as sleep } from 'node:timers/promises';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { openSession, type SshPlace, type SshSession } from './session.ts';

/** Waits so long, unless it is given up. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch {
    throw new Failed('timeout', 'it was given up');
  }
}

/** The pause after that many failures in a row. */
export const pauseAfter = (failed: number): number =>
  Math.min(limits.sshAgainMsMin * 2 ** Math.min(failed, 16), limits.sshAgainMsMax);

/**
 * Logs in to a host that may not be up yet, for as long as it is wanted. Only what will not change
 * by waiting is thrown; `told` hears why it is not there yet.
 */
export async function openPatiently(
  place: SshPlace,
  told: (why: string) => void,
  signal: AbortSignal,
): Promise<SshSession> {
  for (let failed = 0; ; failed++) {
    try {
      return await openSession(place, signal);
    } catch (error) {
      if (signal.aborted || !(error instanceof Failed && error.failure.retry)) throw error;
      told(error.message);
      await pause(pauseAfter(failed), signal);
    }
  }
}
