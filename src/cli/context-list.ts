import { readContexts } from './contexts.ts';
import { exits } from './exits.ts';
import { printRows } from './lists.ts';
import type { Call } from './verb.ts';

/** Lists the contexts, and which of them is meant where nobody says. */
export async function run({ screen }: Call): Promise<number> {
  const { current, contexts } = readContexts();
  const rows = [...contexts]
    .map(([name, context]) => ({ name, current: name === current, ...context }))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  printRows(screen, rows, [
    { title: 'NAME', of: ({ name }) => name },
    { title: 'CURRENT', of: (row) => (row.current ? 'yes' : '') },
    { title: 'WHERE', of: ({ url, spool }) => url ?? spool ?? '', gives: true },
    { title: 'AS', of: ({ cert }) => cert ?? '', gives: true },
  ]);
  return exits.good;
}
