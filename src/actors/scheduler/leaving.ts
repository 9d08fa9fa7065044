import type { Millis } from '../../runtime/ports.ts';
import { move, type Room, spotsOf } from './room.ts';
import type { End } from './spot.ts';

/** Who makes room, for whom, and since when it is asked to. */
export type Preempted = {
  readonly id: string;
  readonly attempt: number;
  readonly for: string;
  readonly since: Millis;
};

export const nameOf = ({ job, attempt }: Pick<End, 'job' | 'attempt'>): string =>
  `${job}.${attempt}`;

/** Some end sooner than they said, wherever they are; nobody asks them twice. */
export function leave(
  room: Room,
  victims: readonly Pick<End, 'job' | 'attempt'>[],
  until: Millis,
): void {
  const names = new Set(victims.map(nameOf));
  for (const cell of room.cells) {
    const spots = [...spotsOf(cell)].filter(({ ends }) =>
      ends.some((end) => names.has(nameOf(end))),
    );
    const leaving = (end: End): End =>
      names.has(nameOf(end))
        ? { ...end, until: Math.min(end.until, until), preemptible: false }
        : end;
    move(room, spots, (spot) => ({
      ...spot,
      ends: spot.ends.map(leaving).sort((a, b) => a.until - b.until),
    }));
  }
}
