import { exits } from './exits.ts';
import { pairs } from './table.ts';
import type { Call } from './verb.ts';
import { instant, size } from './words.ts';

/** Shows how the node is that this command speaks to, and who is asking. */
export async function run({ screen, client }: Call): Promise<number> {
  const open = await client();
  const [status, user] = await Promise.all([
    open.call('node.status', {}),
    open.call('user.show', {}),
  ]);
  if (screen.json) screen.printJson({ ...status, user });
  else {
    const facts = [
      ['node', status.node],
      ['version', status.version],
      ['installation', status.installation],
      ['runs since', instant(status.since)],
      ['term', String(status.term)],
      ['actors', String(status.actors)],
      ['memory', size(status.rssBytes)],
      ['you are', user.operator ? `${user.id}, an operator` : user.id],
    ] as const;
    for (const line of pairs(facts)) screen.print(line);
  }
  for (const trouble of status.trouble) screen.note(`trouble: ${trouble}`);
  return status.trouble.length === 0 ? exits.good : exits.fault;
}
