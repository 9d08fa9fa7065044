import { exits } from './exits.ts';
import { printRows } from './lists.ts';
import type { Call } from './verb.ts';

/** Lists the names of the secrets that one's jobs may have. */
export async function run({ screen, client }: Call): Promise<number> {
  const { secrets } = await (await client()).call('secret.list', {});
  printRows(screen, secrets, [
    { title: 'NAME', of: (secret) => secret.name },
    { title: 'FOR', of: (secret) => (secret.shared ? 'everybody' : 'you') },
    { title: 'SET', of: (secret) => new Date(secret.setAt).toISOString(), gives: true },
  ]);
  return exits.good;
}
