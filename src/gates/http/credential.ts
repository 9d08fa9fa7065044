import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { open } from 'node:fs/promises';
import { keyFingerprint } from '../../platform/certificates.ts';
import { diskFailed } from '../../platform/disk.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';

const keyBlock = /-----BEGIN ([A-Z ]*PRIVATE KEY)-----[\s\S]+?-----END \1-----/;
const certificateBlock = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/;

/**
 * The key and the certificate for the cloud, as every request carries them: the key first. The
 * service gets to know that key, so a node's own, by which it is believed here, is refused. Throws
 * `Failed`: forbidden for a file that others can read, refused for one that holds no such thing.
 */
export async function readCredential(path: string, nodeKey: string | undefined): Promise<string> {
  const text = await readPrivate(path);
  const key = keyBlock.exec(text)?.[0];
  const certificate = certificateBlock.exec(text)?.[0];
  if (key === undefined || certificate === undefined)
    throw new Failed('refused', `${path} must hold a private key and a certificate in PEM`);
  let own: string;
  try {
    const secret = createPrivateKey(key);
    if (!new X509Certificate(certificate).checkPrivateKey(secret)) throw new Error('another key');
    own = keyFingerprint(createPublicKey(secret));
  } catch {
    throw new Failed('refused', `${path}: the key and the certificate do not belong together`);
  }
  if (nodeKey !== undefined && own === keyFingerprint(createPublicKey(nodeKey)))
    throw new Failed('refused', `${path} is the key of this node, which must not leave it`);
  return `${key}\n${certificate}\n`;
}

async function readPrivate(path: string): Promise<string> {
  try {
    const file = await open(path, 'r');
    try {
      const { mode, size } = await file.stat();
      if ((mode & 0o077) !== 0)
        throw new Failed('forbidden', `${path} can be read by others: \`chmod 600 ${path}\``);
      if (size > limits.credentialBytesMax)
        throw new Failed('refused', `${path} is too large for a key`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    throw diskFailed(error, path, 'Reading');
  }
}
