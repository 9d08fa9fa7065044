import { exits } from './exits.ts';
import { printRows } from './lists.ts';
import type { Call } from './verb.ts';
import { instant } from './words.ts';

/** Lists all users, those that were revoked as well. */
export async function run({ screen, client }: Call): Promise<number> {
  const { users } = await (await client()).call('user.list', {});
  printRows(screen, users, [
    { title: 'NAME', of: (user) => user.name, gives: true },
    { title: 'ROLE', of: (user) => user.role },
    { title: 'STATE', of: (user) => user.phase },
    { title: 'SINCE', of: (user) => (user.since === 0 ? '' : instant(user.since)) },
    { title: 'ID', of: (user) => user.id, gives: true },
  ]);
  return exits.good;
}
