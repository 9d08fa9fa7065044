import * as nact from 'nact';
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
  let count = 0;

  return (path, play, crashed) => {
    let scheduled = false;
    let over = false;
    const receive = (): void => {
      scheduled = false;
      if (!over && play()) wake();
    };
    const onCrash = (_: unknown, error: unknown, context: { stop: symbol }): symbol => {
      if (!over) {
        over = true;
        crashed(error);
      }
      return context.stop;
    };
    // nact names may hold no slash, and must be unique for ever.
    const id = `${path.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 60)}-${count++}`;
    const self = nact.spawn(system, receive as never, id, { onCrash } as never);
    const wake = (): void => {
      if (scheduled || over) return;
      scheduled = true;
      nact.dispatch(self, DRAIN);
    };
    const stop = (): void => {
      if (over) return;
      over = true;
      nact.stop(self);
    };
    return { wake, stop };
  };
}
