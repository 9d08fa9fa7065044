import * as nact from 'nact';
import { limits } from '../protocol/limits.ts';
import { Ring } from './mailbox.ts';
import type { Cells } from './ports.ts';

const DRAIN = Symbol('drain');

/**
 * Cells on nact, and the only file that knows it. Each is a nact actor, spawned flat: nact copies
 * an actor's map of children for every message, and its own stop and supervision do not hold. The
 * letters stay in our mailbox; nact is sent one token at a time, and plays many letters for it.
 * To every crash the answer is `stop`: who comes back is decided by the supervisors above us.
 */
export function nactCells(name: string): Cells {
  const system = nact.start({ name } as never);
  const tokens = new Tokens();
  let count = 0;

  return (path, play, crashed) => {
    let scheduled = false;
    let sent = false;
    let over = false;
    const receive = (): void => {
      scheduled = false;
      sent = false;
      try {
        if (play()) wake();
      } finally {
        tokens.back();
      }
    };
    const end = (): void => {
      over = true;
      if (sent) tokens.back();
    };
    const onCrash = (_: unknown, error: unknown, context: { stop: symbol }): symbol => {
      if (!over) {
        end();
        report(crashed, error);
      }
      return context.stop;
    };
    // nact names may hold no slash, and must be unique for ever.
    const id = `${path.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 60)}-${count++}`;
    const self = nact.spawn(system, receive as never, id, { onCrash } as never);
    const send = (): boolean => {
      if (over) return false;
      sent = true;
      nact.dispatch(self, DRAIN);
      return true;
    };
    const wake = (): void => {
      if (scheduled || over) return;
      scheduled = true;
      tokens.ask(send);
    };
    const stop = (): void => {
      if (over) return;
      end();
      nact.stop(self);
    };
    return { wake, stop };
  };
}

/**
 * nact plays every cell that has a token once in a round of the loop. So many tokens there are,
 * and no more, however many cells are busy: I/O must not wait for all of them.
 */
class Tokens {
  readonly #waiting = new Ring<() => boolean>();
  #free: number = limits.cellsPerTurnMax;

  /** `send` uses the token, now or later; false: it wants none any more. */
  ask(send: () => boolean): void {
    if (this.#free === 0) this.#waiting.push(send);
    else if (send()) this.#free--;
  }

  back(): void {
    for (let send = this.#waiting.shift(); send !== undefined; send = this.#waiting.shift())
      if (send()) return;
    this.#free++;
  }
}

/** A fault in dealing with a fault must end the process by its own name, not wedge nact. */
function report(crashed: (error: unknown) => void, error: unknown): void {
  try {
    crashed(error);
  } catch (second) {
    queueMicrotask(() => {
      throw second;
    });
  }
}
