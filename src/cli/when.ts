import { exits } from './exits.ts';
import { startWords } from './foresight.ts';
import type { Call } from './verb.ts';
import { instant, short } from './words.ts';

/** Says when a job that waits is likely to start, or when one has. */
export async function run({ args, screen, client }: Call): Promise<number> {
  const when = await (await client()).call('job.when', { id: args[0]! });
  const { id, phase, startedAt, start } = when;
  if (screen.json) screen.printJson(when);
  else if (start !== null) screen.print(`${short(id)} waits: ${startWords(start, Date.now())}`);
  else if (startedAt > 0) screen.print(`${short(id)} started at ${instant(startedAt)}`);
  else screen.print(`${short(id)} is ${phase}, and waits for no place: swm why ${short(id)}`);
  return exits.good;
}
