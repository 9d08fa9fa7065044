import { exits } from './exits.ts';
import type { Call } from './verb.ts';

/** Has a job save itself; `swm show` tells when it has. */
export async function run({ args, screen, client }: Call): Promise<number> {
  const asked = await (await client()).call('job.checkpoint', { id: args[0]! });
  if (screen.json) screen.printJson(asked);
  else screen.print(asked.id);
  return exits.good;
}
