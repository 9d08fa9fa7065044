import type { Millis } from '../../../src/runtime/ports.ts';

/** What the scripts of the simulator say: how long they run, and how they end. */
export const script = (ms: Millis, code: number): string =>
  `#!/bin/sh\n# runs ${ms} exits ${code}\n`;

/** What such a script asks for. */
export const wishes = (text: string): { ms: Millis; code: number } => {
  const [, ms = '0', code = '0'] = /runs (\d+) exits (\d+)/.exec(text) ?? [];
  return { ms: Number(ms), code: Number(code) };
};
