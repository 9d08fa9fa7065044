import { mkdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Malformed } from '../protocol/errors.ts';
import type { Authority } from './certificates.ts';
import { type Credentials, readCredentials } from './credentials.ts';
import { diskFailed, errno, writeFileDurably } from './disk.ts';

/** Where a key and what goes with it are kept. */
export type KeyPlace = { readonly key: string; readonly certificate: string };

/** The places of a spool's keys and certificates, the same as older installations have. */
export const keyPlaces = (spool: string) => {
  const secure = join(spool, 'secure');
  return {
    /** Heads alone have this key. */
    cluster: {
      key: join(secure, 'cluster', 'private', 'key.pem'),
      certificate: join(secure, 'cluster', 'cert.pem'),
    },
    /** All authorities: the cluster's, then the grid's where there is one. */
    chain: join(secure, 'cluster', 'ca-chain-cert.pem'),
    node: { key: join(secure, 'node', 'key.pem'), certificate: join(secure, 'node', 'cert.pem') },
    /** What changes of jobs are signed by, for those who are told of them. */
    notify: join(secure, 'notify.key'),
    user(name: string): KeyPlace {
      // A name that is a path would lead out of the folder.
      if (!/^[^\p{Cc}/\\.][^\p{Cc}/\\]{0,63}$/u.test(name))
        throw new Malformed('$.name', 'a name without slashes, 64 characters at most');
      const folder = join(secure, 'users', name);
      return { key: join(folder, 'key.pem'), certificate: join(folder, 'cert.pem') };
    },
  };
};

/** Writes PEM for nobody else to read (0600, folders 0700), whole or not at all. */
export async function writePem(path: string, pem: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileDurably(path, pem, 0o600);
}

/** The key first: a certificate without its key says nothing, a key can be certified again. */
export async function writeKeyPair(place: KeyPlace, pair: Authority): Promise<void> {
  await writePem(place.key, pair.key);
  await writePem(place.certificate, pair.certificate);
}

/** The PEM of a place, or undefined if nothing was written there. Throws `Failed`. */
export async function readPem(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined;
    throw diskFailed(error, path, 'Reading');
  }
}

/** Credentials from their files. Throws `Malformed` if one is missing, or they do not fit. */
export async function loadCredentials(place: KeyPlace, chain: string): Promise<Credentials> {
  const read = async (path: string) => {
    const pem = await readPem(path);
    if (pem === undefined) throw new Malformed(path, 'a file in PEM; there is none');
    return pem;
  };
  return readCredentials({
    key: await read(place.key),
    certificate: await read(place.certificate),
    chain: await read(chain),
  });
}
