import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readConfig } from '../src/config.ts';
import { readSettings as readAzure } from '../src/gates/azure/settings.ts';
import { readSettings as readHttp } from '../src/gates/http/settings.ts';
import { readSettings } from '../src/gates/local/settings.ts';
import { readSettings as readHosts } from '../src/gates/ssh/settings.ts';

type Named = readonly { readonly name: string }[];
type Offers = { readonly flavors?: Named | undefined; readonly images?: Named | undefined };
const readers: Readonly<Record<string, (given: unknown, at: string) => Offers>> = {
  azure(given, at) {
    const { flavors, images, ...rest } = readAzure(given, at);
    const named = (names: readonly string[]): Named => names.map((name) => ({ name }));
    return { ...rest, flavors: named(flavors), images: named(Object.keys(images)) };
  },
  http: (given, at): object => readHttp(given, at),
  local: readSettings,
  ssh: readHosts,
};
/** What is kept with other settings: of all hosts of a site, of who we are there, or elsewhere. */
const elsewhere = ['user', 'key', 'directory', 'tenant', 'clusters'];
const folder = join(import.meta.dirname, '../config');
const files = readdirSync(folder);

const read = (dev: boolean, file?: string) =>
  readConfig({ dev, file, spoolFile: '/none', env: {}, flags: {} });

describe('config/', () => {
  it('has the shapes that there are', () => {
    const shapes = ['azure', 'dev', 'gate-service', 'head', 'ssh-hosts', 'three-heads', 'worker'];
    expect(files.toSorted()).toEqual(shapes.map((shape) => `${shape}.yaml`));
  });

  it.each(files)('%s is taken, and none of its keys is unknown', async (file) => {
    const { locate, ...config } = await read(false, join(folder, file));
    expect(config).toMatchObject(parse(await readFile(join(folder, file), 'utf8')) as object);
    for (const remote of config.remotes) {
      const { name, kind, flavor = '', image = '', ...rest } = remote;
      const settings = readers[kind]!(remote, name);
      const known = [...Object.keys(settings), ...elsewhere];
      expect(known).toEqual(expect.arrayContaining(Object.keys(rest)));
      if (settings.flavors === undefined) continue;
      expect(settings.flavors.map((each) => each.name)).toContain(flavor);
      expect(settings.images?.map((each) => each.name)).toContain(image);
    }
  });

  it.each(files)('%s says of each line what it is for', async (file) => {
    const lines = (await readFile(join(folder, file), 'utf8')).split('\n');
    const bare = lines.filter((line, at) => {
      if (/^\s*(#|$)/.test(line) || line.includes(' # ')) return false;
      // What stands under a comment, or is a further item of the list above, is covered by it.
      return !lines[at - 1]?.includes('# ');
    });
    expect(bare).toEqual([]);
  });

  it('dev.yaml is what dev has built in', async () => {
    const builtIn = await read(true);
    const written = await read(false, join(folder, 'dev.yaml'));
    const functions = { locate: expect.anything(), isGiven: expect.anything() };
    expect(written).toEqual({ ...builtIn, ...functions });
  });
});
