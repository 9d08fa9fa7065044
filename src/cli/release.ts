import { each } from './each.ts';
import type { Call } from './verb.ts';

/** Releases each job that is named. */
export const run = (call: Call): Promise<number> => each(call, 'job.release');
