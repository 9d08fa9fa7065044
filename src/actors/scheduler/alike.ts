import type { Policy } from '../../protocol/policy.ts';
import type { Ask, Spot } from './spot.ts';

/**
 * Nodes that one job has to itself are alike, and mostly stand together. What changes all of them
 * gives them the same values; so whoever has looked at one of them knows the others.
 */

/** The same answer for nodes that are alike, as far as it is known still. */
export function forAlike<T>(
  ask: Ask,
  { reservations }: Policy,
  answer: (spot: Spot) => T,
): (spot: Spot) => T {
  const isByName =
    reservations.length > 0 || ask.queue?.nodes !== undefined || ask.ports.length > 0;
  if (isByName) return answer;
  let last: Seen<T> | undefined;
  const seen = new Map<Spot['ends'], Seen<T>>();
  return (spot) => {
    if (last !== undefined && areAlike(last.spot, spot)) return last.answer;
    last = seen.get(spot.ends);
    if (last !== undefined && areAlike(last.spot, spot)) return last.answer;
    last = { spot, answer: answer(spot) };
    seen.set(spot.ends, last);
    return last.answer;
  };
}

type Seen<T> = { readonly spot: Spot; readonly answer: T };

const areAlike = (a: Spot, b: Spot): boolean =>
  a.ends === b.ends &&
  a.free === b.free &&
  a.booked === b.booked &&
  a.total === b.total &&
  a.labels === b.labels &&
  a.up === b.up;

/** Makes of the same value the same other one. */
export function once<K extends object, V>(make: (of: K) => V): (of: K) => V {
  const made = new Map<K, V>();
  return (of) => {
    const known = made.get(of);
    if (known !== undefined) return known;
    const fresh = make(of);
    made.set(of, fresh);
    return fresh;
  };
}
