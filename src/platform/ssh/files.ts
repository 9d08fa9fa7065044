import type { Client, SFTPWrapper } from 'ssh2';
import { Failed } from '../../protocol/errors.ts';

/** Small files of a host, by SFTP. Throws `Failed` with the path in it. */
export type HostFiles = {
  /** Undefined: it is not there. */
  read(path: string): Promise<string | undefined>;
  write(path: string, text: string, mode: number): Promise<void>;
  names(path: string): Promise<readonly string[]>;
  /** False: there is something of that name. */
  makeFolder(path: string, mode: number): Promise<boolean>;
  /** False: there is something of that name, which stays as it is. */
  rename(from: string, to: string): Promise<boolean>;
};

/** The numbers of the protocol's answers. */
const NO_SUCH_FILE = 2;
const PERMISSION_DENIED = 3;
const FAILURE = 4;

type SftpError = Error & { readonly code?: number };
type Then<T> = (error: SftpError | null | undefined, value: T) => void;

/** `lost` rejects when the session is over, and with it whatever is still asked. */
export async function filesOf(
  client: Client,
  name: string,
  lost: Promise<never>,
): Promise<HostFiles> {
  const sftp = await new Promise<SFTPWrapper>((resolve, reject) => {
    client.sftp((error, made) => {
      if (error === undefined) resolve(made);
      else reject(new Failed('refused', `${name} offers no SFTP: ${error.message}`));
    });
  });
  const ask = <T>(path: string, begin: (then: Then<T>) => void): Promise<T> =>
    Promise.race([
      lost,
      new Promise<T>((resolve, reject) => {
        begin((error, value) => {
          if (error) reject(failed(error, `${name}:${path}`));
          else resolve(value);
        });
      }),
    ]);
  return {
    read: (path) => ask<Buffer>(path, (then) => sftp.readFile(path, then)).then(String, unless),
    write: async (path, text, mode) => {
      await ask<void>(path, (then) => sftp.writeFile(path, text, { mode }, (e) => then(e)));
    },
    names: async (path) => {
      const found = await ask<{ filename: string }[]>(path, (then) => sftp.readdir(path, then));
      return found.map(({ filename }) => filename);
    },
    makeFolder: (path, mode) =>
      ask<void>(path, (then) => sftp.mkdir(path, { mode }, (e) => then(e))).then(yes, taken),
    rename: (from, to) =>
      ask<void>(to, (then) => sftp.rename(from, to, (e) => then(e))).then(yes, taken),
  };
}

const yes = (): boolean => true;

/** The protocol says of what is taken only that it has failed. */
function taken(error: Error): boolean {
  if (error instanceof Failed && error.failure.code === 'site_error') return false;
  throw error;
}

function unless(error: Error): undefined {
  if (error instanceof Failed && error.failure.code === 'not_found') return undefined;
  throw error;
}

function failed(error: SftpError, path: string): Failed {
  switch (error.code) {
    case NO_SUCH_FILE:
      return new Failed('not_found', `${path} is not there`);
    case PERMISSION_DENIED:
      return new Failed('forbidden', `${path}: the host does not let us; check owner and rights`);
    case FAILURE:
      return new Failed('site_error', `${path}: ${error.message}`);
    default:
      return new Failed('unreachable', `${path}: ${error.message}`);
  }
}
