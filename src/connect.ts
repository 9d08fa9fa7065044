import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { type Client, type ClientOptions, connect } from './client/client.ts';
import type { Socket } from './client/socket.ts';
import type { Stream } from './client/stream.ts';
import type { Credentials } from './platform/credentials.ts';
import { dialTerminal } from './platform/dial.ts';
import { type KeyPlace, keyPlaces, loadCredentials } from './platform/key-files.ts';
import { Failed, failure, Malformed } from './protocol/errors.ts';

/** Where a head is, and who we are there. What is left out is looked for where it usually is. */
export type Place = {
  /** A node's directory, with its address and its admin's keys; see `usualSpool`. */
  readonly spool?: string | undefined;
  /** `https://host:port` of a head, or of several, also with commas; else the spool's node. */
  readonly url?: string | readonly string[] | undefined;
  /** A user's certificate and key, as files in PEM; else the admin's, else those in ~/.swm. */
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
  /** The authorities to believe, as a file in PEM. */
  readonly authorities?: string | undefined;
};

/** How long to wait for a node of that spool that is just starting. */
const NODE_MS = 10_000;
const LOOK_MS = 50;
const PORT = 8443;

/**
 * A client for programs on Node: `connectTo({ url, certificate, key, authorities })`, or
 * `connectTo({})` on the machine of a node. It connects when it is first called.
 */
export function connectTo(
  place: Place,
  options: Omit<ClientOptions, 'open' | 'heads'> = {},
): Client {
  const open = socketsTo(place, options.subprotocol);
  return connect({ ...options, open, heads: Math.max(1, urlsOf(place).length) });
}

/**
 * What `forward` gives, as Node has streams: each direction ends for itself, and destroying it
 * before both have ended breaks the connection off.
 */
export function duplexOf(stream: Stream): Duplex {
  const chunks = stream.read();
  const given: Duplex = new Duplex({
    read: () => {
      chunks.next().then(
        ({ value }) => given.push(value ?? null),
        (error: Error) => given.destroy(error),
      );
    },
    write: (chunk: Uint8Array, _, done) => {
      stream.write(chunk).then(() => done(), done);
    },
    final: (done) => {
      stream.end();
      done();
    },
    destroy: (error, done) => {
      const isOver = given.readableEnded && given.writableFinished;
      if (!isOver) stream.reset(failure('refused', 'it was broken off'));
      done(error);
    },
  });
  return given;
}

/** What opens sockets for `connect`, to a head by its number: where it is then, as who we are. */
export function socketsTo(
  place: Place,
  subprotocol: ClientOptions['subprotocol'] = 'swm.v1+msgpack',
): (head: number) => Promise<Socket> {
  let credentials: Credentials | undefined;
  return async (head) => {
    try {
      credentials ??= await credentialsOf(place);
      const addresses = await addressesOf(place);
      const address = addresses[head % addresses.length] ?? '';
      return await dialTerminal({ address, credentials, subprotocol });
    } catch (error) {
      if (!(error instanceof Malformed)) throw error;
      throw new Failed('malformed', error.message);
    }
  };
}

/** `host:port` of each head that is meant. Waits for a node that is just starting. */
export async function addressesOf(place: Place): Promise<readonly string[]> {
  const urls = urlsOf(place);
  if (urls.length > 0) return urls.map(addressOfUrl);
  return [await addressOfNode(join(place.spool ?? usualSpool(), 'run', 'node.json'))];
}

/** Each head once, as it was named. */
function urlsOf({ url = [] }: Place): readonly string[] {
  const named = (typeof url === 'string' ? [url] : url).flatMap((one) => one.split(','));
  return [...new Set(named.map((one) => one.trim()).filter((one) => one !== ''))];
}

/** The spool of who runs this, or else the machine's. */
export function usualSpool(): string {
  const own = join(homedir(), '.swm', 'spool');
  const shared = '/opt/swm/spool';
  return !existsSync(own) && existsSync(shared) ? shared : own;
}

/** Takes `https://host:port/…`, `wss://…` and `host:port`; the port may be left out. */
function addressOfUrl(url: string): string {
  const text = /^[a-z]+:\/\//i.test(url) ? url.replace(/^wss:/i, 'https:') : `https://${url}`;
  if (!URL.canParse(text)) throw new Malformed('url', `${url} is no URL`);
  const { protocol, hostname, port } = new URL(text);
  if (protocol !== 'https:') throw new Malformed('url', `${url}: swm is spoken over TLS only`);
  // The standard port of https is dropped by the parser, also where it was meant.
  const given = /:(\d+)(?:\/|$)/.exec(text.slice('https://'.length).replace(/^\[.*?\]/, ''));
  return `${hostname}:${port === '' ? (given?.[1] ?? PORT) : port}`;
}

async function addressOfNode(file: string): Promise<string> {
  const untilMs = Date.now() + NODE_MS;
  for (;;) {
    const node = await readNode(file);
    if (typeof node !== 'string') {
      const { host, port } = node.terminal;
      return `${dialled(host)}:${port}`;
    }
    if (Date.now() >= untilMs) throw new Failed('unreachable', node);
    await new Promise((later) => setTimeout(later, LOOK_MS));
  }
}

type NodeFile = {
  readonly pid: number;
  readonly terminal: { readonly host: string; readonly port: number };
};

/** What a running node says of itself, or why none seems to run. */
async function readNode(file: string): Promise<NodeFile | string> {
  let node: NodeFile;
  try {
    node = JSON.parse(await readFile(file, 'utf8')) as NodeFile;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || error instanceof SyntaxError
      ? `no node runs on this spool: there is no ${file}`
      : `${file} cannot be read: ${(error as Error).message}`;
  }
  return isAlive(node.pid) ? node : `the node that wrote ${file} is gone (pid ${node.pid})`;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** One that listens everywhere is dialled where we are. */
function dialled(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

async function credentialsOf(place: Place): Promise<Credentials> {
  const { chain, ...keys } = await identityAt(place);
  return loadCredentials(keys, chain);
}

/** Where the keys of a user lie, and the authorities that the user believes. */
export type IdentityPlace = KeyPlace & { readonly chain: string };

/** Where a user's own keys are looked for. */
export const ownIdentity = (home: string): IdentityPlace => ({
  certificate: join(home, 'cert.pem'),
  key: join(home, 'key.pem'),
  chain: join(home, 'ca-chain-cert.pem'),
});

export const userHome = (): string => join(homedir(), '.swm');

/** Who we are: as named, or the spool's admin, or the user whose keys lie in the home directory. */
export async function identityAt(place: Place): Promise<IdentityPlace> {
  const { certificate, key, authorities } = place;
  const places = keyPlaces(place.spool ?? usualSpool());
  const home = userHome();
  const own = ownIdentity(home);
  const found = (keys: KeyPlace, ...chains: readonly string[]): IdentityPlace => {
    const chain = authorities ?? chains.find(existsSync) ?? chains[0] ?? '';
    return { certificate: keys.certificate, key: keys.key, chain };
  };
  const chains = [own.chain, join(home, 'ca.pem'), places.chain];
  if (certificate !== undefined && key !== undefined) return found({ certificate, key }, ...chains);
  if (certificate !== undefined || key !== undefined)
    throw new Malformed(certificate === undefined ? 'key' : 'certificate', 'goes with the other');
  const admin = places.user('admin');
  if (existsSync(admin.key)) return found(admin, places.chain);
  if (existsSync(own.key)) return found(own, ...chains);
  // A node that is just starting writes its keys before it listens.
  await addressesOf(place);
  if (existsSync(admin.key)) return found(admin, places.chain);
  throw new Failed('unauthorized', `there is neither ${admin.key} nor ${own.key}`);
}
