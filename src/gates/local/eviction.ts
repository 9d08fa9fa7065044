import type { Millis } from '../../runtime/ports.ts';
import type { Claim } from './claims.ts';
import type { LocalSettings } from './settings.ts';

/** How this site plays one whose machines are cheap and may be taken back. */

type Eviction = Pick<Claim, 'isSpot' | 'evictAt' | 'takenAt'>;

/** What a new claim keeps of it: nothing where the site takes nothing back. */
export function evictionOf(
  { evictionRate, evictAfterMs, evictionNoticeMs }: LocalSettings,
  dice: () => number,
  bootedAt: Millis,
): Eviction {
  if (evictionRate === 0) return {};
  if (dice() >= evictionRate) return { isSpot: true };
  const evictAt = bootedAt + evictAfterMs;
  return { isSpot: true, evictAt, takenAt: evictAt + evictionNoticeMs };
}

export const evictedOf = ({ evictAt, machines }: Claim, now: Millis): readonly string[] =>
  evictAt !== undefined && now >= evictAt ? machines.map(({ node }) => node) : [];

export const isTaken = ({ takenAt }: Claim, now: Millis): boolean =>
  takenAt !== undefined && now >= takenAt;
