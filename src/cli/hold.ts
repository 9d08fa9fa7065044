import { each } from './each.ts';
import type { Call } from './verb.ts';

/** Holds each job that is named. */
export const run = (call: Call): Promise<number> => each(call, 'job.hold');
