import { rm } from 'node:fs/promises';
import { identityAt } from '../connect.ts';
import { certificatesOf, makeKey, makeRequest } from '../platform/certificates.ts';
import { readPem, writeKeyPair, writePem } from '../platform/key-files.ts';
import { exits } from './exits.ts';
import { placeOf } from './place.ts';
import { type Call, isOn } from './verb.ts';

/** Replaces the certificate that the command would use, by one that it gets as that user. */
export async function run({ options, screen, client }: Call): Promise<number> {
  const places = await identityAt(placeOf(options));
  const coming = `${places.key}.new`;
  const isNew = isOn(options, 'newKey');
  // One that was made and not certified before is taken: the registry may know of it.
  const key = isNew
    ? ((await readPem(coming)) ?? makeKey())
    : ((await readPem(places.key)) as string);
  if (isNew) await writePem(coming, key);
  const csr = await makeRequest(key);
  const { certificate } = await (await client()).call('user.renew', { csr });
  if (isNew) await writeKeyPair(places, { key, certificate });
  else await writePem(places.certificate, certificate);
  if (isNew) await rm(coming, { force: true });
  const until = certificatesOf(certificate)[0]?.validToDate.toISOString() ?? '';
  if (screen.json) screen.printJson({ certificate: places.certificate, until });
  else screen.print(`${places.certificate} until ${until}`);
  return exits.good;
}
