import { randomUUID } from 'node:crypto';
import {
  type Authority,
  issue,
  makeAuthority,
  makeKey,
  type Validity,
} from '../../src/platform/certificates.ts';
import { type Credentials, readCredentials } from '../../src/platform/credentials.ts';
import type { Role } from '../../src/platform/identity.ts';

/** An installation's authority, with short ways to make out certificates below it. */
export type Pki = {
  readonly installation: string;
  readonly authority: Authority;
  readonly chain: string;
  node(role: Role, name: string, validity?: Validity): Promise<Credentials>;
  user(name: string, id?: string, validity?: Validity): Promise<Credentials>;
};

export async function makePki(installation: string = randomUUID()): Promise<Pki> {
  return pkiOf(installation, await makeAuthority({ installation, name: 'a cluster' }));
}

/** As older installations have it: a grid's authority above the cluster's. */
export async function makeGridPki(
  grid?: Authority,
): Promise<{ readonly grid: Authority; readonly pki: Pki }> {
  const installation = randomUUID();
  const parent =
    grid ?? (await makeAuthority({ installation, name: 'a grid' }, { signsAuthorities: true }));
  const authority = await makeAuthority({ installation, name: 'a cluster' }, { parent });
  return { grid: parent, pki: pkiOf(installation, authority, parent) };
}

function pkiOf(installation: string, authority: Authority, above?: Authority): Pki {
  const chain = authority.certificate + (above?.certificate ?? '');
  return {
    installation,
    authority,
    chain,
    async node(role, name, validity) {
      const key = makeKey();
      const hosts = ['localhost', '127.0.0.1', name];
      const subject = { kind: 'node', role, name, installation, hosts } as const;
      const certificate = await issue(authority, key, subject, validity);
      return readCredentials({ key, certificate, chain });
    },
    async user(name, id = randomUUID(), validity) {
      const key = makeKey();
      const certificate = await issue(authority, key, { kind: 'user', id, name }, validity);
      return readCredentials({ key, certificate, chain });
    },
  };
}

/** A span that was over an hour ago. */
export const past = (): Validity => ({
  from: new Date(Date.now() - 7_200_000),
  until: new Date(Date.now() - 3_600_000),
});
