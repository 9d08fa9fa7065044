import { exits } from './exits.ts';
import { printRows } from './lists.ts';
import type { Call } from './verb.ts';
import { size } from './words.ts';

/** Lists the flavors of all sites. */
export async function run({ screen, client }: Call): Promise<number> {
  const { flavors } = await (await client()).call('flavor.list', {});
  printRows(screen, flavors, [
    { title: 'NAME', of: (flavor) => flavor.name, gives: true },
    { title: 'SITE', of: (flavor) => flavor.remote, gives: true },
    { title: 'CPUS', of: (flavor) => String(flavor.resources.cpus), right: true },
    { title: 'GPUS', of: (flavor) => String(flavor.resources.gpus), right: true },
    { title: 'MEMORY', of: (flavor) => size(flavor.resources.memoryBytes), right: true },
    { title: 'STORAGE', of: (flavor) => size(flavor.storageBytes), right: true },
    { title: 'PRICE/H', of: (flavor) => String(flavor.price), right: true },
  ]);
  return exits.good;
}
