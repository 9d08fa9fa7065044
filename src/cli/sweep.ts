import { exits } from './exits.ts';
import { printRows } from './lists.ts';
import type { Screen } from './screen.ts';
import { type Sites, sites } from './sites.ts';
import { type Call, isOn } from './verb.ts';
import { instant } from './words.ts';

/** Shows what at the sites is ours and claimed by nobody; and lets it go, after a restore. */
export async function run({ options, screen, client }: Call): Promise<number> {
  const open = await client();
  const { rows, more, unsweptSince } = await sites(open);
  const strays = rows.filter(({ mark }) => mark === 'stray');
  const isConfirmed = isOn(options, 'confirm');
  if (!screen.json) print(screen, { rows: strays, more, unsweptSince });
  if (isConfirmed) await open.call('sweep.confirm', {});
  const swept = isConfirmed || unsweptSince === 0;
  if (screen.json) screen.printJson({ swept, strays });
  else screen.note(swept ? WILL_GO : WAIT);
  return exits.good;
}

const WILL_GO = 'sites are swept: what is older than any creation, and is a stray twice, goes';
const WAIT = 'no site is swept: if all of this may go, say swm sweep --confirm';

function print(screen: Screen, { rows, more, unsweptSince }: Sites): void {
  if (unsweptSince > 0) screen.note(`there was a restore at ${instant(unsweptSince)}`);
  printRows(screen, rows, [
    { title: 'SITE', of: (row) => row.remote },
    { title: 'NAME', of: (row) => row.name },
    { title: 'STATUS', of: (row) => row.status },
    { title: 'SINCE', of: (row) => instant(row.createdAt) },
    { title: 'ID', of: (row) => row.externalId, gives: true },
  ]);
  if (more > 0) screen.note(`and ${more} things more that were not looked through`);
}
