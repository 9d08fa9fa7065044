import type { Client } from '../client/client.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { exits, explain } from './exits.ts';
import type { Call } from './verb.ts';
import { short } from './words.ts';

/** Nodes are held by it until it is ended, since all that is done there is done by others. */
export const holder = (name: string): string =>
  `#!/bin/sh\n#SWM name ${name}\nexec tail -f /dev/null\n`;

/**
 * Gets nodes as a script of `holder` asks for them, and gives them back at the end of what is done
 * with them, when `left` says so, and, since heads hear that we are there, also when we are killed.
 */
export async function holding(
  { screen, client }: Call,
  { script, file }: { readonly script: string; readonly file: string },
  left: Promise<number>,
  work: (client: Client, id: string) => Promise<number>,
): Promise<number> {
  try {
    const open = await client();
    const { id } = await open.call('job.submit', { script, inputs: [], file, tied: true });
    if (!screen.json) screen.note(`job ${short(id)} waits for its nodes`);
    const saying = setInterval(() => say(open, id), limits.tieAgainMs);
    try {
      return await Promise.race([work(open, id), left]);
    } finally {
      clearInterval(saying);
      await open.call('job.cancel', { id }).catch(() => {}); // It may have ended already.
    }
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    const code = explain(screen, error);
    return code === exits.usage ? code : exits.ours;
  }
}

/** One word that is lost is followed by others. */
const say = (client: Client, id: string): void =>
  void client.call('job.tie', { id }, { ms: limits.tieAgainMs }).catch(() => {});
