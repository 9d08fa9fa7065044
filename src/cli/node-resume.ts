import { exits } from './exits.ts';
import type { Call } from './verb.ts';

/** Gives a node that was drained jobs again. */
export async function run({ args, screen, client }: Call): Promise<number> {
  const resumed = await (await client()).call('node.resume', { node: args[0]! });
  if (screen.json) screen.printJson(resumed);
  else screen.print(resumed.node);
  return exits.good;
}
