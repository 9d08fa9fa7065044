import {
  AzureCliCredential,
  ClientCertificateCredential,
  ClientSecretCredential,
  ManagedIdentityCredential,
} from '@azure/identity';
import { Failed } from '../../protocol/errors.ts';
import { readPrivate } from './private-file.ts';
import type { AzureSettings } from './settings.ts';

/** The variable that may have the secret instead of a file, as it has for other programs. */
const SECRET = 'AZURE_CLIENT_SECRET';

/** What gets tokens, by the way that the config chose. */
export type Credential =
  | AzureCliCredential
  | ClientCertificateCredential
  | ClientSecretCredential
  | ManagedIdentityCredential;

/** What all that speaks to Azure is given. */
export type CommonOptions = {
  readonly retryOptions: object;
  readonly tlsOptions?: { readonly ca: string };
};

/** Reads what the way needs, once: after a change of a secret the head is started again. */
export async function openCredential(
  { auth, authority }: AzureSettings,
  common: CommonOptions,
): Promise<Credential> {
  const { method, tenant, client = '' } = auth;
  const options = {
    authorityHost: authority,
    // What the config says of the authority is believed: clouds of one's own are in no directory.
    disableInstanceDiscovery: true,
    ...common,
  };
  switch (method) {
    case 'clientSecret':
      return new ClientSecretCredential(tenant, client, await readSecret(auth), options);
    case 'certificate':
      await readPrivate(auth.certificateFile ?? '');
      return new ClientCertificateCredential(
        tenant,
        client,
        { certificatePath: auth.certificateFile ?? '' },
        options,
      );
    case 'managedIdentity':
      return client === ''
        ? new ManagedIdentityCredential()
        : new ManagedIdentityCredential({ clientId: client });
    case 'cli':
      return new AzureCliCredential(tenant === '' ? {} : { tenantId: tenant });
  }
}

async function readSecret({ secretFile }: AzureSettings['auth']): Promise<string> {
  const text = secretFile === undefined ? process.env[SECRET] : await readPrivate(secretFile);
  const secret = text?.trim() ?? '';
  if (secret !== '') return secret;
  const where = secretFile === undefined ? `neither secretFile nor ${SECRET} is given` : secretFile;
  throw new Failed('refused', `there is no secret: ${where}`);
}
