import { answerTo, canAsk } from './asking.ts';
import { exits, Usage } from './exits.ts';
import { harmless } from './screen.ts';
import { type Call, isOn } from './verb.ts';

/** Gives up a node whose machine is gone, as only somebody who looked can say. */
export async function run({ args, options, screen, client }: Call): Promise<number> {
  const [node] = args as [string];
  if (!isOn(options, 'yes')) {
    if (!canAsk()) throw new Usage(`swm: ${meaning(node)}\nIf it is so, say --yes.`);
    screen.note(meaning(node));
    const answer = await answerTo('Is it so? Type yes: ');
    if (answer !== 'yes') throw new Usage('swm: nothing was done');
  }
  const gone = await (await client()).call('node.gone', { node });
  if (screen.json) screen.printJson(gone);
  else {
    screen.print(gone.node);
    if (gone.cluster !== '') screen.note(`it was of cluster ${gone.cluster}`);
  }
  return exits.good;
}

const meaning = (node: string): string =>
  `you vouch that the machine of ${harmless(node)} is gone, and that nothing runs on it any more.
Its jobs count as lost and may start elsewhere; if they ran there still, they would run twice.`;
