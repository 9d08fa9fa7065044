import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ownIdentity, userHome } from '../connect.ts';
import { certificatesOf, fingerprint, makeKey, makeRequest } from '../platform/certificates.ts';
import { identify } from '../platform/identity.ts';
import { readPem, writePem } from '../platform/key-files.ts';
import { requestJoin } from '../platform/request-join.ts';
import { Failed } from '../protocol/errors.ts';
import type { Invitation } from '../protocol/head-shapes.ts';
import { exits, Usage } from './exits.ts';
import { reasonOf } from './inputs.ts';
import { type Call, textOf } from './verb.ts';

/**
 * Spends an invitation on a key that is made here, and never leaves. It is kept before it is asked
 * for: the same file again gets the same certificate.
 */
export async function run({ args, options, screen }: Call): Promise<number> {
  const [file] = args as [string];
  const invitation = await readInvitation(file);
  const places = ownIdentity(resolve(textOf(options, 'to') ?? userHome()));
  await refuseOthers(places, invitation);
  const key = (await readPem(places.key)) ?? makeKey();
  await writePem(places.key, key);
  const answer = await enrolAny(invitation, await makeRequest(key));
  await writePem(places.chain, answer.chain);
  await writePem(places.certificate, answer.certificate);
  const until = certificatesOf(answer.certificate)[0]?.validToDate.toISOString() ?? '';
  const { name, heads } = invitation;
  if (screen.json) screen.printJson({ name, heads, until, ...places });
  else {
    screen.print(places.certificate);
    screen.note(`${name} until ${until}; swm cert renew before that`);
    screen.note(`next: swm --url ${heads.join(',')} jobs`);
  }
  return exits.good;
}

async function readInvitation(file: string): Promise<Invitation> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new Usage(`swm: ${file}: ${reasonOf(error)}`);
  });
  try {
    const { heads, caFingerprint, token, name } = JSON.parse(text) as Invitation;
    if ([caFingerprint, token, name].every((one) => typeof one === 'string') && heads.length > 0)
      return { heads, caFingerprint, token, name };
  } catch {
    // Told below, whatever is wrong with it.
  }
  throw new Usage(`swm: ${file} is no invitation; swm user add writes one`);
}

/** Keys of another user, or of another installation, are not written over. */
async function refuseOthers(
  { certificate, chain }: ReturnType<typeof ownIdentity>,
  { name, caFingerprint }: Invitation,
): Promise<void> {
  const pem = await readPem(certificate);
  if (pem === undefined) return;
  const identity = identify(certificatesOf(pem)[0]!);
  const authorities = certificatesOf((await readPem(chain)) ?? pem).map(fingerprint);
  const isSame =
    identity?.kind === 'user' && identity.name === name && authorities.includes(caFingerprint);
  if (!isSame) throw new Usage(`swm: ${certificate} is somebody else’s; --to names another place`);
}

async function enrolAny({ heads, ...join }: Invitation, csr: string) {
  let last: unknown;
  for (const address of heads) {
    try {
      return await requestJoin({ address, ...join, csr, kind: 'user' });
    } catch (error) {
      if (error instanceof Failed && error.failure.code === 'unauthorized') throw error;
      last = error;
    }
  }
  throw last;
}
