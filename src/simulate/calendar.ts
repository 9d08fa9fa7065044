import type { Millis } from '../runtime/ports.ts';

/** What is to happen, the first first; of one instant in the order in which it was noted. */
export type Calendar<E> = {
  note(at: Millis, event: E): void;
  /** When something happens next; infinite: nothing does. */
  next(): Millis;
  /** All that happens at an instant, or has before. */
  due(at: Millis): readonly E[];
};

type Entry<E> = { readonly at: Millis; readonly event: E };

export function calendarOf<E>(): Calendar<E> {
  // The last is the next: that is where it is taken away.
  const entries: Entry<E>[] = [];
  return {
    note(at, event) {
      let [low, high] = [0, entries.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if (entries[middle]!.at > at) low = middle + 1;
        else high = middle;
      }
      entries.splice(low, 0, { at, event });
    },
    next: () => entries.at(-1)?.at ?? Number.POSITIVE_INFINITY,
    due(at) {
      const events: E[] = [];
      while (entries.length > 0 && entries.at(-1)!.at <= at) events.push(entries.pop()!.event);
      return events;
    },
  };
}
