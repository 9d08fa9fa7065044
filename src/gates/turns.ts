import { Failed } from '../protocol/errors.ts';

/** Runs after all that was given before under the same key. */
export type Turns = <T>(key: string, work: () => Promise<T>) => Promise<T>;

/** Work under one key is done in the order in which it came, however each of it ends. */
export function turns(): Turns {
  const tails = new Map<string, Promise<unknown>>();
  return (key, work) => {
    const turn = (tails.get(key) ?? Promise.resolve()).then(work, work);
    tails.set(key, turn);
    const clear = (): void => {
      if (tails.get(key) === turn) tails.delete(key);
    };
    turn.then(clear, clear);
    return turn;
  };
}

/** Throws `Failed` if nobody waits for it any more. */
export function mustGoOn(signal: AbortSignal): void {
  if (signal.aborted) throw new Failed('timeout', 'it was given up');
}
