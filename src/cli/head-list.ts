import { exits } from './exits.ts';
import { printRows } from './lists.ts';
import type { Call } from './verb.ts';

/** Lists the heads, and how far each is behind the one that leads. */
export async function run({ screen, client }: Call): Promise<number> {
  const { heads } = await (await client()).call('head.list', {});
  printRows(screen, heads, [
    { title: 'NAME', of: (head) => head.name, gives: true },
    { title: 'STATE', of: (head) => head.phase },
    { title: 'LEADS', of: (head) => (head.leads ? 'yes' : '') },
    { title: 'BEHIND', of: ({ behind }) => (behind < 0 ? '?' : String(behind)), right: true },
    { title: 'ADDRESS', of: (head) => head.address, gives: true },
  ]);
  return exits.good;
}
