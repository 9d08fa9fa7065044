import Type, { type Static } from 'typebox';
import { Malformed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';

const strict = { additionalProperties: false } as const;
const RESOURCE =
  '^/subscriptions/[0-9a-fA-F-]{36}/resourceGroups/[A-Za-z0-9._()-]{1,90}' +
  '/providers/Microsoft\\.ManagedIdentity/userAssignedIdentities/[A-Za-z0-9_-]{3,128}$';

/** A managed identity that the machines get, and by which they come to what is stored. */
const Identity = Type.Object(
  {
    /** Its resource. */
    id: Type.String({ pattern: RESOURCE }),
    /** Its client id. */
    client: Type.String({ pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$' }),
  },
  strict,
);

/** A container of a storage account, and what opens it: a token, or an identity. */
export const StorageGiven = Type.Object(
  {
    account: Type.String({ pattern: '^[a-z0-9]{3,24}$' }),
    container: Type.String({ pattern: '^[a-z0-9](-?[a-z0-9]){2,62}$' }),
    /** A file with a shared access signature and nothing else. */
    sasFile: Type.Optional(Type.String({ pattern: '^/', maxLength: 1000 })),
    identity: Type.Optional(Identity),
    readOnly: Type.Optional(Type.Boolean()),
    /** Where a private cloud has the account. */
    endpoint: Type.Optional(Type.String({ pattern: '^https://[^\\s]+$', maxLength: 1000 })),
  },
  strict,
);
export type StorageSettings = Readonly<Static<typeof StorageGiven>>;

/** What jobs call it: a part of a path, and in capitals of a variable's name. */
const NAME = /^[a-z0-9][a-z0-9-]{0,31}$/;

/** Throws `Malformed`; `at` is the place of the site in the config. */
export function checkStorages(
  storages: Readonly<Record<string, StorageSettings>>,
  at: string,
): void {
  const names = Object.keys(storages);
  if (names.length > limits.siteStoragesMax)
    throw new Malformed(at, `has more than ${limits.siteStoragesMax} storages`);
  for (const [name, { sasFile, identity }] of Object.entries(storages)) {
    if (!NAME.test(name))
      throw new Malformed(`${at}.${name}`, 'is no name of up to 32 small letters, digits and -');
    if ((sasFile === undefined) === (identity === undefined))
      throw new Malformed(`${at}.${name}`, 'wants either sasFile or identity');
  }
}
