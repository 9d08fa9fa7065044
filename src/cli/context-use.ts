import { contextIn, readContexts, writeContexts } from './contexts.ts';
import { exits } from './exits.ts';
import type { Call } from './verb.ts';

/** Makes a context the one that is meant from now on; without a name, none. */
export async function run({ args, screen }: Call): Promise<number> {
  const [name = ''] = args;
  const { contexts } = readContexts();
  if (name !== '') contextIn(contexts, name);
  await writeContexts({ current: name, contexts });
  if (screen.json) screen.printJson({ name });
  else if (name !== '') screen.print(name);
  return exits.good;
}
