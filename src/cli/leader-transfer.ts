import { exits } from './exits.ts';
import type { Call } from './verb.ts';

/** Lets another head lead: the one that is named, or one that the group chooses. */
export async function run({ args, screen, client }: Call): Promise<number> {
  const moved = await (await client()).call('head.transfer', { to: args[0] ?? '' });
  if (screen.json) screen.printJson(moved);
  else screen.print(moved.leader);
  return exits.good;
}
