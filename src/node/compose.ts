import { startHead } from './as-head.ts';
import { startWorker } from './as-worker.ts';
import type { Running, Setup } from './ground.ts';

export type { Running } from './ground.ts';

/** Builds a node of the roles that its configuration gives it, and starts it. */
export const compose = (setup: Setup): Promise<Running> =>
  setup.config.roles.includes('head') ? startHead(setup) : startWorker(setup);
