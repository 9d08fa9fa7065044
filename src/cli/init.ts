import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { answerTo, canAsk } from './asking.ts';
import { exits, Usage } from './exits.ts';
import type { Screen } from './screen.ts';
import { spoolOf } from './spool-of.ts';
import { type Call, textOf } from './verb.ts';

/** Where other nodes dial a head, unless its configuration says otherwise. */
const MESH_PORT = 10_001;
const ADDRESS = /^[A-Za-z0-9_.:[\]-]{1,255}$/;
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** Makes a spool for a head: what `start` would make, after the one question that it cannot ask. */
export async function run({ options, screen }: Call): Promise<number> {
  const spool = spoolOf(options);
  const name = textOf(options, 'name') ?? hostname();
  if (!NAME.test(name))
    throw new Usage(`swm: --name: ${name} is no name; use letters, digits, . _ -`);
  const { placesOf, openSpool } = await import('../platform/spool.ts');
  const { config: file } = placesOf(spool);
  if (existsSync(file)) throw new Usage(`swm: ${file} is there already; edit it instead`);
  const address = textOf(options, 'address') ?? (await asked(screen));
  if (!ADDRESS.test(address)) throw new Usage(`swm: --address: ${address} is no host`);
  const opened = await openSpool(spool, { roles: ['head'] });
  try {
    await mkdir(spool, { recursive: true, mode: 0o700 });
    await writeFile(file, configOf(name, address), { mode: 0o600, flag: 'wx' });
    const [{ readConfig }, { enrolHead }] = await Promise.all([
      import('../config.ts'),
      import('../node/enrol.ts'),
    ]);
    const env = process.env;
    const config = await readConfig({ dev: false, file, spoolFile: file, env, flags: {} });
    const { caFingerprint } = await enrolHead(opened, config);
    const { installation } = opened;
    if (screen.json) screen.printJson({ spool: opened.path, installation, caFingerprint });
    else {
      screen.print(opened.path);
      screen.note(`authority ${caFingerprint}`);
      screen.note(`next: swm start --spool ${opened.path}`);
    }
  } finally {
    opened.close();
  }
  return exits.good;
}

/** Other machines dial it, and it stands in certificates: no default is right for everybody. */
async function asked(screen: Screen): Promise<string> {
  const usual = hostname();
  if (!canAsk()) {
    screen.note(`swm: others will use ${usual}; --address says otherwise`);
    return usual;
  }
  return (await answerTo(`The address that others will use [${usual}]: `)) || usual;
}

/** As it stands before a port. */
const bracketed = (address: string): string =>
  address.includes(':') && !address.startsWith('[') ? `[${address}]` : address;

const configOf = (name: string, address: string): string =>
  `# The configuration of this node; every other key has a default.
name: ${JSON.stringify(name)}
address: ${JSON.stringify(address)}
mesh:
  # Where other nodes dial this one, as host:port.
  advertise: [${JSON.stringify(`${bracketed(address)}:${MESH_PORT}`)}]
`;
