import { exits } from './exits.ts';
import type { Call } from './verb.ts';

/** Takes a head out of the group. */
export async function run({ args, screen, client }: Call): Promise<number> {
  const [name] = args as [string];
  await (await client()).call('head.remove', { name });
  if (screen.json) screen.printJson({ name });
  else {
    screen.print(name);
    screen.note('It leaves; once swm head list knows it no more, it may be switched off.');
  }
  return exits.good;
}
