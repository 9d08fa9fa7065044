import { exits } from './exits.ts';
import { type Call, isOn, textOf } from './verb.ts';

/** Gives a node no new jobs, and has those that run there saved, or run elsewhere. */
export async function run({ args, options, screen, client }: Call): Promise<number> {
  const reason = textOf(options, 'reason');
  const drained = await (await client()).call('node.drain', {
    node: args[0]!,
    requeue: isOn(options, 'requeue'),
    ...(reason !== undefined && { reason }),
  });
  if (screen.json) screen.printJson(drained);
  else screen.print(drained.node);
  return exits.good;
}
