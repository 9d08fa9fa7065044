import { connect as dial } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Client, type ClientChannel, type ServerHostKeyAlgorithm } from 'ssh2';
import { Failed, Malformed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { relay, relayed } from '../relay.ts';
import { filesOf, type HostFiles } from './files.ts';
import { fingerprintOf, type HostKey, typeOf } from './host-key.ts';
import { readPrivateKey } from './private-key.ts';
import { commandLine } from './quote.ts';

/** A host, how to log in there, and how to know it again. */
export type SshPlace = {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** The file of a private key that nobody else can read; there is no other way to log in. */
  readonly key: string;
  readonly hostKeys: HostKeys;
};

/** Which key a host must show: one that was told, or the one that it showed at first. */
export type HostKeys = {
  known(): Promise<HostKey | undefined>;
  /** Called where none is known, and kept before anything is said to the host. */
  learn(key: HostKey): Promise<void>;
};

export type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };

/** A host that is logged in to. */
export type SshSession = {
  /** Who and where, for whoever reads what went wrong. */
  readonly name: string;
  /** Resolves with the reason once it is over. */
  readonly closed: Promise<string>;
  /** Runs a program with words that arrive as they are; it hears the input and then its end. */
  run(words: readonly string[], input?: string | Readable): Promise<Ran>;
  files(): Promise<HostFiles>;
  /**
   * Has the host listen on its loopback, at this port or, for 0, at any, and brings who comes there
   * to where `to` says. Resolves with the port.
   */
  forward(port: number, to: () => Promise<Door>): Promise<number>;
  end(): void;
};

/** Where somebody of this machine listens. */
export type Door = { readonly host: string; readonly port: number };

const LOOPBACK = '127.0.0.1';

/**
 * Logs in. Throws `Failed`: unreachable may be tried again; a host that shows another key, or does
 * not take ours, says no for good.
 */
export async function openSession(place: SshPlace, signal: AbortSignal): Promise<SshSession> {
  const { address, port, user } = place;
  const privateKey = await readPrivateKey(place.key);
  const known = await place.hostKeys.known();
  mustGoOn(signal);
  const client = new Client();
  const sock = dial({ host: address, port, noDelay: true });
  // Who uses it hears of its errors; where nobody comes to use it, nobody must be hurt by them.
  sock.on('error', () => {});
  const name = `${user}@${address}:${port}`;
  const shown = verifier(place.hostKeys, known, name);
  const over = Promise.withResolvers<string>();
  let why = '';
  client.on('error', (error) => {
    why ||= error.message;
  });
  client.once('close', () => over.resolve(why || 'the host hung up'));
  const given = (): void => void sock.destroy();
  signal.addEventListener('abort', given, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve);
      client.once('error', reject);
      over.promise.then((text) => reject(new Error(text)));
      client.connect({
        sock,
        username: user,
        privateKey,
        hostVerifier: shown.verify,
        readyTimeout: limits.sshReadyMs,
        keepaliveInterval: limits.sshBeatMs,
        keepaliveCountMax: limits.sshBeatsMax,
        algorithms: {
          // Measured to be the fastest; the others stay for hosts that lack it.
          cipher: { prepend: ['aes128-gcm@openssh.com'], append: [], remove: [] },
          ...(known === undefined ? {} : ofType(known)),
        },
      });
    });
  } catch (error) {
    sock.destroy();
    mustGoOn(signal);
    throw shown.refused ?? refusal(error as SshError, name, place.key);
  } finally {
    signal.removeEventListener('abort', given);
  }
  return session(client, name, over.promise);
}

function mustGoOn(signal: AbortSignal): void {
  if (signal.aborted) throw new Failed('timeout', 'it was given up');
}

/** A host has keys of several types: it is asked for the one that we know. */
function ofType({ type }: HostKey): { serverHostKey?: ServerHostKeyAlgorithm[] } {
  if (type === '') return {};
  const algorithms = type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [type];
  return { serverHostKey: algorithms as ServerHostKeyAlgorithm[] };
}

function verifier(keys: HostKeys, known: HostKey | undefined, name: string) {
  const verdict: { refused: Failed | undefined; verify: typeof verify } = {
    refused: undefined,
    verify,
  };
  function verify(key: Buffer, say: (believed: boolean) => void): void {
    const shown: HostKey = { fingerprint: fingerprintOf(key), type: typeOf(key) };
    if (known?.fingerprint === shown.fingerprint) return say(true);
    if (known !== undefined) {
      verdict.refused = new Failed(
        'refused',
        `${name} shows the host key ${shown.fingerprint} (${shown.type}) instead of ` +
          `${known.fingerprint}: it is another machine, or was set up anew`,
      );
      return say(false);
    }
    keys.learn(shown).then(
      () => say(true),
      (error) => {
        verdict.refused = new Failed('disk_error', `the key of ${name} is not kept: ${error}`);
        say(false);
      },
    );
  }
  return verdict;
}

type SshError = Error & { readonly level?: string };

function refusal(error: SshError, name: string, key: string): Failed {
  if (error.level === 'client-authentication')
    return new Failed('refused', `${name} does not let the key ${key} in`);
  if (/privateKey/.test(error.message))
    return new Failed('malformed', `${key} is no private key that can be used: ${error.message}`);
  if (/no matching host key/i.test(error.message))
    return new Failed('refused', `${name} has no host key of the type that is known`);
  return new Failed('unreachable', `${name} cannot be reached: ${error.message}`);
}

function session(client: Client, name: string, closed: Promise<string>): SshSession {
  const lost = closed.then((why): never => {
    throw new Failed('unreachable', `${name} is lost: ${why}`);
  });
  lost.catch(() => {});
  const whileOpen = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await Promise.race([lost, work()]);
    } catch (error) {
      // What is asked of a session that is about to end is thrown in the words of the package.
      if (error instanceof Failed || error instanceof Malformed) throw error;
      throw new Failed('unreachable', `${name}: ${(error as Error).message}`);
    }
  };
  const doors = new Map<number, () => Promise<Door>>();
  client.on('tcp connection', ({ destPort }, accept, reject) => {
    const to = doors.get(destPort);
    if (to === undefined) return void reject();
    enter(to, accept, reject);
  });
  let files: Promise<HostFiles> | undefined;
  return {
    name,
    closed,
    run: (words, input = '') => whileOpen(() => run(client, name, words, input)),
    files: () => {
      files ??= whileOpen(() => filesOf(client, name, lost));
      return files;
    },
    forward: async (port, to) => {
      const bound = await whileOpen(() => listen(client, name, port));
      doors.set(bound, to);
      return bound;
    },
    end: () => void client.end(),
  };
}

function listen(client: Client, name: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    client.forwardIn(LOOPBACK, port, (error, bound) => {
      if (error === undefined) return resolve(bound || port);
      const what = port === 0 ? 'a port' : `port ${port}`;
      reject(new Failed('port_busy', `${name} does not listen on ${what}: ${error.message}`));
    });
  });
}

/** The door is tried first: who comes while it is closed is refused, as by any closed door. */
function enter(to: () => Promise<Door>, accept: () => ClientChannel, reject: () => void): void {
  to().then(({ host, port }) => {
    const socket = dial({ host, port, noDelay: true, ...relayed });
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      void relay(socket, accept());
    });
  }, reject);
}

function run(
  client: Client,
  name: string,
  words: readonly string[],
  input: string | Readable,
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    client.exec(commandLine(words), (error, channel) => {
      if (error !== undefined)
        return reject(new Failed('unreachable', `${name} runs nothing: ${error.message}`));
      let code: number | undefined;
      const [stdout, stderr] = [gathered(channel), gathered(channel.stderr)];
      channel.on('exit', (ended: number | null) => {
        code = ended ?? -1;
      });
      channel.on('close', () => {
        if (code !== undefined) return resolve({ code, stdout: stdout(), stderr: stderr() });
        reject(new Failed('unreachable', `${name} did not say how a command ended`));
      });
      // A program that ends before it has read all says why by its code.
      pipeline(typeof input === 'string' ? Readable.from([input]) : input, channel).catch(() => {});
    });
  });
}

/** What a stream has said so far; what is too much is dropped. */
function gathered(stream: Readable): () => string {
  const parts: Buffer[] = [];
  let bytes = 0;
  stream.on('data', (part: Buffer) => {
    bytes += part.length;
    if (bytes <= limits.sshAnswerBytesMax) parts.push(part);
  });
  return () => Buffer.concat(parts).toString();
}
