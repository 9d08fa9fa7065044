import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { type Client, connect } from '../client/client.ts';
import type { Credentials } from '../platform/credentials.ts';
import { dialTerminal } from '../platform/dial.ts';
import { keyPlaces, loadCredentials } from '../platform/key-files.ts';
import { Failed } from '../protocol/errors.ts';
import { Usage } from './exits.ts';
import { spoolOf } from './spool-of.ts';
import { type Options, textOf } from './verb.ts';

/** How long a command waits for a node of the same spool that is just starting. */
const NODE_MS = 10_000;
const LOOK_MS = 50;
/** How long it tries to connect to one that should be there. */
const CONNECT_MS = 5_000;
const PORT = 8443;

/** Connects as the options say: to a node by its URL, or to the one whose spool it is. */
export async function openClient(options: Options): Promise<Client> {
  const credentials = await credentialsOf(options);
  const address = await addressOf(options);
  return connect({
    open: () => dialTerminal({ address, credentials, subprotocol: 'swm.v1+msgpack' }),
    connectMs: CONNECT_MS,
  });
}

/** `host:port` of a head. */
async function addressOf(options: Options): Promise<string> {
  const url = textOf(options, 'url') ?? process.env['SWM_URL'];
  return url === undefined || url === ''
    ? addressOfNode(join(spoolOf(options), 'run', 'node.json'))
    : addressOfUrl(url);
}

/** Takes `https://host:port/…`, `wss://…` and `host:port`; the port may be left out. */
export function addressOfUrl(url: string): string {
  const text = /^[a-z]+:\/\//i.test(url) ? url.replace(/^wss:/i, 'https:') : `https://${url}`;
  if (!URL.canParse(text)) throw new Usage(`swm: --url: ${url} is no URL`);
  const { protocol, hostname, port } = new URL(text);
  if (protocol !== 'https:') throw new Usage(`swm: --url: ${url}: swm is spoken over TLS only`);
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

/** Who we are: as named, or the spool's admin, or the user whose keys lie in the home directory. */
async function credentialsOf(options: Options): Promise<Credentials> {
  const places = keyPlaces(spoolOf(options));
  const home = join(homedir(), '.swm');
  const [certificate, key, ca] = ['cert', 'key', 'ca'].map((name) => textOf(options, name));
  if ((certificate === undefined) !== (key === undefined))
    throw new Usage('swm: --cert and --key go together');
  if (certificate !== undefined && key !== undefined)
    return loadCredentials({ certificate, key }, ca ?? firstOf(chains(home, places.chain)));
  const admin = places.user('admin');
  if (existsSync(admin.key)) return loadCredentials(admin, ca ?? places.chain);
  const own = { certificate: join(home, 'cert.pem'), key: join(home, 'key.pem') };
  if (existsSync(own.key)) return loadCredentials(own, ca ?? firstOf(chains(home, places.chain)));
  // A node that is just starting writes its keys before it listens.
  await addressOf(options);
  if (existsSync(admin.key)) return loadCredentials(admin, ca ?? places.chain);
  throw new Failed('unauthorized', `there is neither ${admin.key} nor ${own.key}`);
}

const chains = (home: string, spool: string): readonly string[] => [
  join(home, 'ca-chain-cert.pem'),
  join(home, 'ca.pem'),
  spool,
];

const firstOf = (files: readonly string[]): string =>
  files.find((file) => existsSync(file)) ?? files[0]!;
