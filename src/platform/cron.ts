import { Cron } from 'croner';
import { Failed } from '../protocol/errors.ts';

/**
 * The first instant after another that a cron pattern means in a time zone; undefined: there is
 * none. Where a clock is put on, what falls into the gap comes right behind it; where it is put
 * back, a fixed hour comes once. Throws `Failed` for a pattern or a zone that means nothing.
 */
export function nextTick(pattern: string, zone: string, after: number): number | undefined {
  let cron: Cron;
  try {
    cron = new Cron(pattern, { timezone: zone, mode: '5-or-6-parts', paused: true });
  } catch (error) {
    throw new Failed('malformed', `$.cron: ${(error as Error).message}`);
  }
  try {
    return cron.nextRun(new Date(after))?.getTime();
  } catch {
    throw new Failed('malformed', `$.zone: ${zone} is no time zone, such as Europe/Berlin`);
  }
}
