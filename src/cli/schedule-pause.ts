import { setAll } from './schedule-set.ts';
import type { Call } from './verb.ts';

/** Pauses each schedule that is named. */
export const run = (call: Call): Promise<number> => setAll(call, 'paused');
