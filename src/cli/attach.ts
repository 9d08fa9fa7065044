import { runInside } from './exec.ts';
import type { Call } from './verb.ts';

/** Opens a login shell with a terminal inside a job. */
export const run = (call: Call): Promise<number> => runInside(call, [], true);
