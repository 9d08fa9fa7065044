import { readFileSync, statSync } from 'node:fs';
import type { AuthConfig } from 'dockerode';
import Type, { type Static } from 'typebox';
import { Value } from 'typebox/value';
import type { ImageLogin } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';

/** Who swm is to a registry, by its host; undefined: nobody in particular. Secret: never logged. */
export type Credentials = (registry: string) => Promise<AuthConfig | undefined>;

/** What Docker Hub is called where no registry is named, and by the files of `docker login`. */
const HUB = 'docker.io';
const HUB_KEY = 'https://index.docker.io/v1/';

/** The host of the registry that an image's name means, with its port. */
export function registryOf(image: string): string {
  const [first = '', ...rest] = image.split('/');
  return rest.length > 0 && (/[.:]/.test(first) || first === 'localhost') ? first : HUB;
}

const File = Type.Object({
  auths: Type.Record(
    Type.String(),
    Type.Object({
      auth: Type.Optional(Type.String()),
      username: Type.Optional(Type.String()),
      password: Type.Optional(Type.String()),
      identitytoken: Type.Optional(Type.String()),
    }),
  ),
});

/**
 * Reads them from a file as `docker login` writes it, each time anew, so that a new password needs
 * no restart. '' is no file. Throws `Failed` for a file that others may read.
 */
export const credentialsFrom =
  (path: string): Credentials =>
  async (registry) => {
    if (path === '') return undefined;
    return entryOf(readFile(path), registry);
  };

/**
 * The same from a job's secret: `USER:PASSWORD`, for whichever registry its image is of, or the
 * text of such a file. Throws `Failed` for any other, of which it tells nothing but the name.
 */
export const credentialsOf =
  ({ name, text }: ImageLogin): Credentials =>
  async (registry) => {
    const content = parsed(text);
    if (Value.Check(File, content)) return entryOf(content, registry);
    const { username, password } = named(text);
    if (content === undefined && username !== '' && password !== '')
      return { serveraddress: addressOf(registry), username, password };
    const wanted = 'neither USER:PASSWORD nor as `docker login` writes it';
    throw new Failed('no_image', `container-login: the secret ${name} is ${wanted}`);
  };

const addressOf = (registry: string): string => (registry === HUB ? HUB_KEY : registry);

function named(text: string): { readonly username: string; readonly password: string } {
  const [username = '', ...rest] = text.split(':');
  return { username, password: rest.join(':') };
}

function entryOf({ auths }: Static<typeof File>, registry: string): AuthConfig | undefined {
  const keys = registry === HUB ? [HUB_KEY, HUB] : [registry, `https://${registry}`];
  const entry = keys.map((key) => auths[key]).find((one) => one !== undefined);
  if (entry === undefined) return undefined;
  const { auth = '', identitytoken } = entry;
  const { username, password } = named(Buffer.from(auth, 'base64').toString());
  return {
    serveraddress: addressOf(registry),
    username: entry.username ?? username,
    password: entry.password ?? password,
    ...(identitytoken !== undefined && { identitytoken }),
  };
}

function readFile(path: string) {
  const failed = (why: string) =>
    new Failed('start_failed', `containers.credentials: ${path} ${why}`);
  let text: string;
  try {
    if ((statSync(path).mode & 0o077) !== 0) throw failed('can be read by others: chmod 600 it');
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw error instanceof Failed ? error : failed(`cannot be read: ${(error as Error).message}`);
  }
  const content = parsed(text);
  if (content === undefined) throw failed('is not JSON');
  if (Value.Check(File, content)) return content;
  throw failed('is not as `docker login` writes it');
}

/** Undefined: it is no JSON. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
