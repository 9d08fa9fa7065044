import { runOnSpool } from './running.ts';
import type { Call } from './verb.ts';

/** Runs a whole swm on this machine. */
export const run = (call: Call): Promise<number> => runOnSpool(call, true);
