import { exits } from './exits.ts';
import { type Call, isOn } from './verb.ts';

/** Removes a secret. Jobs that need it, and have not started, fail for it. */
export async function run({ args, options, screen, client }: Call): Promise<number> {
  const [name] = args as [string];
  const shared = isOn(options, 'shared') && { shared: true };
  const removed = await (await client()).call('secret.remove', { name, ...shared });
  if (screen.json) screen.printJson(removed);
  else screen.print(removed.name);
  return exits.good;
}
