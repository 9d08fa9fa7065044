import { exits } from './exits.ts';
import { type Call, textOf } from './verb.ts';

/** Says the same of each schedule that is named; the first that refuses is the last. */
export async function setAll(
  { args, options, screen, client }: Call,
  to: 'paused' | 'on' | 'removed',
): Promise<number> {
  const owner = textOf(options, 'owner');
  const open = await client();
  const done: object[] = [];
  for (const name of args) {
    done.push(await open.call('schedule.set', { name, to, ...(owner !== undefined && { owner }) }));
    if (!screen.json) screen.print(name);
  }
  if (screen.json) screen.printJson(done);
  return exits.good;
}
