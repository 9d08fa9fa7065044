import { type Failure, failure } from '../../protocol/errors.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Exit } from '../ports.ts';
import { type Runner, to } from './runner.ts';

/** How a process ended, and what that means for its attempt. */

export const killed = (state: Runner, exit: Exit | null): Runner =>
  exit === null ? to(state, 'over', { detail: 'ended before it started' }) : exited(state, exit);

export function exited(state: Runner, exit: Exit): Runner {
  const { code, signal, at, outOfMemory, lost, logFull, leaseOut } = exit;
  const full = failure('too_large', 'a log is full; its last line tells how much it may have');
  return to(state, 'collecting', {
    exit: { code, signal, at, outOfMemory, lost },
    failure: state.failure ?? (leaseOut ? unleased(at) : logFull ? full : null),
    detail: 'Collecting',
  });
}

const unleased = (at: Millis): Failure =>
  failure('lost', `its lease ran out, so it was ended at ${new Date(at).toISOString()}`);
