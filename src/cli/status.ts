import type { Reply } from '../protocol/messages.ts';
import { exits } from './exits.ts';
import { pairs } from './table.ts';
import type { Call } from './verb.ts';
import { instant, size } from './words.ts';

type Status = Reply<'node.status'>;
type Fact = readonly [name: string, value: string];

/** Shows how the node is that this command speaks to, and its group of heads, and who is asking. */
export async function run({ screen, client }: Call): Promise<number> {
  const open = await client();
  const [status, user] = await Promise.all([
    open.call('node.status', {}),
    open.call('user.show', {}),
  ]);
  if (screen.json) screen.printJson({ ...status, user });
  else {
    const facts: readonly Fact[] = [
      ['node', status.node],
      ['version', status.version],
      ['installation', status.installation],
      ['runs since', instant(status.since)],
      ...groupFacts(status),
      ['actors', String(status.actors)],
      ['memory', size(status.rssBytes)],
      ['you are', user.operator ? `${user.id}, an operator` : user.id],
    ];
    for (const line of pairs(facts)) screen.print(line);
  }
  for (const trouble of status.trouble) screen.note(`trouble: ${trouble}`);
  return status.trouble.length === 0 && hasQuorum(status) ? exits.good : exits.fault;
}

/** What a node says of the heads that agree; one of an older version says nothing. */
function groupFacts(status: Status): readonly Fact[] {
  const { leader, role, term, applied, committed, voters, reachable, snapshotAt } = status;
  const facts: Fact[] = [];
  if (leader !== undefined) facts.push(['leader', leader === '' ? 'none is known' : leader]);
  if (role !== undefined) facts.push(['role', role]);
  facts.push(['term', String(term)]);
  if (applied !== undefined && committed !== undefined) {
    const lag = committed - applied;
    facts.push(['log', `${applied} of ${committed} applied${lag > 0 ? `, ${lag} behind` : ''}`]);
  }
  if (voters !== undefined && reachable !== undefined) {
    const word = hasQuorum(status) ? 'quorum' : 'NO QUORUM';
    facts.push(['heads', `${reachable} of ${voters} reachable: ${word}`]);
  }
  if (snapshotAt !== undefined)
    facts.push(['last snapshot', snapshotAt === 0 ? 'never' : instant(snapshotAt)]);
  return facts;
}

/** More than half of those who vote; without them nothing new can be kept. */
const hasQuorum = ({ voters, reachable }: Status): boolean =>
  voters === undefined || reachable === undefined || reachable * 2 > voters;
