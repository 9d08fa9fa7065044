import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { Seal } from '../actors/safe/safe.ts';
import { Failed } from '../protocol/errors.ts';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** In front of what is sealed, should another way of sealing come. */
const FORM = 'v1.';

/**
 * Seals by a key that is drawn from what `root` gives, which may throw while there is none yet. The
 * owner and the name are sealed with each text, so that no record can be put in another's place.
 */
export function sealBy(root: () => string): Seal {
  const key = (): Buffer => Buffer.from(hkdfSync('sha256', root(), '', 'swm secrets', 32));
  const bound = (owner: string, name: string): Buffer => Buffer.from(JSON.stringify([owner, name]));
  return {
    shut(owner, name, text) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(CIPHER, key(), nonce).setAAD(bound(owner, name));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return FORM + Buffer.concat([nonce, body, cipher.getAuthTag()]).toString('base64url');
    },
    open(owner, name, sealed) {
      const bytes = Buffer.from(sealed.slice(FORM.length), 'base64url');
      const broken = new Failed(
        'corrupt',
        `the secret ${name} cannot be opened by the key of this authority: set it again`,
      );
      if (!sealed.startsWith(FORM) || bytes.length < NONCE_BYTES + TAG_BYTES) throw broken;
      const nonce = bytes.subarray(0, NONCE_BYTES);
      const options = { authTagLength: TAG_BYTES };
      const decipher = createDecipheriv(CIPHER, key(), nonce, options)
        .setAAD(bound(owner, name))
        .setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        const body = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
        return Buffer.concat([body, decipher.final()]).toString('utf8');
      } catch {
        throw broken;
      }
    },
  };
}
