import { Failed } from '../protocol/errors.ts';
import { type Lines, pauseMs } from './lines.ts';
import type { Stream } from './stream.ts';

/** What a stream is opened with; `connectMs`: how long to try for a connection each time. */
export type Opening = { readonly lines: Lines; readonly connectMs: number };

export type Wish = {
  readonly kind: string;
  readonly body: object;
  readonly windowBytes?: number;
};

/** After these the same stream, opened at another place, may go on. */
const passing: readonly unknown[] = [
  'busy',
  'stopping',
  'unreachable',
  'unknown_outcome',
  'lost',
  'timeout',
];

/** Tries in a row that brought nothing forward, after which the last failure is final. */
const TRIES_MAX = 20;

/**
 * Opens a stream, and another one when it breaks, until `use` has come to its end. `use` says
 * with `moved` that something was achieved, and knows itself from where to go on.
 */
export async function* resumed<T>(
  { lines, connectMs }: Opening,
  open: () => Wish,
  use: (stream: Stream, moved: () => void) => AsyncGenerator<T, void, void>,
): AsyncGenerator<T, void, void> {
  for (let tries = 0; ; tries += 1) {
    const line = await lines.get(connectMs);
    const { kind, body, windowBytes } = open();
    try {
      return yield* use(line.open(kind, body, windowBytes), () => {
        tries = 0;
      });
    } catch (error) {
      if (!(error instanceof Failed) || !passing.includes(error.failure.code)) throw error;
      if (tries >= TRIES_MAX) throw error;
      lines.leave(line);
    }
    // No pause before each head was tried.
    if (tries >= lines.heads - 1) await lines.timers.sleep(pauseMs(tries)).over;
  }
}
