import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Message, message } from '../../protocol/messages.ts';
import type { Spec } from '../../protocol/model.ts';
import { type SecretRow, secretNames } from '../../protocol/secret-model.ts';
import type { Who } from '../../protocol/who.ts';
import type { Records } from '../../runtime/ports.ts';
import { secretsOf } from '../safe/keeping.ts';
import { type Seal, SHARED, unknownSecret } from '../safe/safe.ts';

/** What a call about a secret says to its owner's safe; undefined: it is another call. */
export function secretMessage(seal: Seal, user: Who, asked: Message): Message | undefined {
  if (asked.name !== 'secret.set' && asked.name !== 'secret.remove') return undefined;
  const { name, shared = false } = asked.body;
  if (shared && user.door !== 'operator')
    throw new Failed('forbidden', 'only operators change the secrets of everybody');
  const owner = shared ? SHARED : user.id;
  if (asked.name === 'secret.remove') return message('secret.drop', { owner, name });
  checkValue(asked.body.secret);
  // From here on nobody but the heads can read it, and no record, log or backup tells it.
  const sealed = seal.shut(owner, name, asked.body.secret);
  return message('secret.keep', { owner, name, sealed });
}

function checkValue(secret: string): void {
  if (new TextEncoder().encode(secret).byteLength > limits.secretBytesMax)
    throw new Failed('too_large', `a secret has at most ${limits.secretBytesMax} bytes`);
  if (secret === '' || secret.includes('\0'))
    throw new Failed('malformed', '$.secret: wanted a text that is not empty and has no NUL');
}

/** The secrets that jobs of a user get: their own, and those of everybody. */
export const secretRows = (store: Records, user: Who): SecretRow[] =>
  [user.id, SHARED].flatMap((owner) =>
    secretsOf(store, owner).map(({ name, setAt }) => ({ name, shared: owner === SHARED, setAt })),
  );

type Needs = { readonly store: Records; readonly current: () => Promise<void> };

/** A job that names a secret which there is not would wait and fail for nothing. */
export async function checkSecrets(
  { store, current }: Needs,
  user: Who,
  spec: Spec,
): Promise<void> {
  const names = secretNames(spec);
  if (spec.containerLogin && spec.containerImage === '')
    throw new Failed(
      'malformed',
      '`container-login` is for a `container-image`, and there is none',
    );
  if (names.length === 0) return;
  await current();
  const known = secretRows(store, user).map(({ name }) => name);
  const missing = names.find((name) => !known.includes(name));
  if (missing !== undefined) throw new Failed('no_secret', unknownSecret(missing, known));
}
