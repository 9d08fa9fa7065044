import { contextIn, readContexts, writeContexts } from './contexts.ts';
import { exits } from './exits.ts';
import type { Call } from './verb.ts';

/** Forgets a context; the keys that it names stay where they are. */
export async function run({ args, screen }: Call): Promise<number> {
  const [name] = args as [string];
  const { current, contexts } = readContexts();
  contextIn(contexts, name);
  const left = new Map([...contexts].filter(([other]) => other !== name));
  await writeContexts({ current: current === name ? '' : current, contexts: left });
  if (screen.json) screen.printJson({ name });
  else screen.print(name);
  return exits.good;
}
