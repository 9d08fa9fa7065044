import { setAll } from './schedule-set.ts';
import type { Call } from './verb.ts';

/** Lets each schedule that is named go on. */
export const run = (call: Call): Promise<number> => setAll(call, 'on');
