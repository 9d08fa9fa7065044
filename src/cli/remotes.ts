import { exits } from './exits.ts';
import { printRows } from './lists.ts';
import type { Call } from './verb.ts';

/** Lists the sites where clusters are made. */
export async function run({ screen, client }: Call): Promise<number> {
  const { remotes } = await (await client()).call('remote.list', {});
  printRows(screen, remotes, [
    { title: 'NAME', of: (remote) => remote.name, gives: true },
    { title: 'KIND', of: (remote) => remote.kind },
    { title: 'DEFAULT FLAVOR', of: (remote) => remote.defaultFlavor, gives: true },
    { title: 'DEFAULT IMAGE', of: (remote) => remote.defaultImage, gives: true },
  ]);
  return exits.good;
}
