import { exits } from './exits.ts';
import { printRows } from './lists.ts';
import type { Call } from './verb.ts';

/** Lists the images of all sites. */
export async function run({ screen, client }: Call): Promise<number> {
  const { images } = await (await client()).call('image.list', {});
  printRows(screen, images, [
    { title: 'NAME', of: (image) => image.name, gives: true },
    { title: 'SITE', of: (image) => image.remote, gives: true },
    { title: 'KIND', of: (image) => image.kind },
  ]);
  return exits.good;
}
