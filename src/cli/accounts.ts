import { exits } from './exits.ts';
import { printRows } from './lists.ts';
import type { Call } from './verb.ts';
import { amount } from './words.ts';

/** Lists what accounts have cost, and may cost. */
export async function run({ screen, client }: Call): Promise<number> {
  const { accounts } = await (await client()).call('account.list', {});
  printRows(screen, accounts, [
    { title: 'ACCOUNT', of: ({ name }) => name || '-', gives: true },
    { title: 'SPENT', of: ({ spent }) => spent.toFixed(2), right: true },
    { title: 'BUDGET', of: ({ budget }) => budget?.toFixed(2) ?? '', right: true },
    { title: 'PRICE/H', of: ({ perHour }) => amount(perHour), right: true },
    { title: 'CLUSTERS', of: ({ clusters }) => String(clusters), right: true },
  ]);
  return exits.good;
}
