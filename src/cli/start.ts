import { runOnSpool } from './running.ts';
import type { Call } from './verb.ts';

/** Runs a node on its spool, until it is told to end. */
export const run = (call: Call): Promise<number> => runOnSpool(call, false);
