import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issue, makeAuthority, makeKey } from '../../src/platform/certificates.ts';
import { type Hardware, noHardware } from './machines.ts';
import { type Call, calm, type Fault, type Kind, type Manners } from './manners.ts';
import { type Announcements, openAnnouncements, textOf } from './notices.ts';
import { type Answer, answer, kindOf } from './routes.ts';
import { Site } from './site.ts';

const uuid = (digit: string): string => `00000000-0000-4000-8000-${digit.repeat(12)}`;
export const SUBSCRIPTION = uuid('a');
export const TENANT = uuid('b');
export const CLIENT = uuid('c');
const SECRET = 'the-secret-of-the-fake';

/**
 * An Azure of our own, to which the real SDKs speak over TLS: tokens, groups, networks, machines,
 * long operations, sizes, quotas and prices. It is as slow and as unkind as its manners say.
 */
export type FakeAzure = {
  readonly site: Site;
  readonly url: string;
  /** A folder with `ca.pem`, `secret`, `key.pub`; it goes with the fake. */
  readonly folder: string;
  /** Where its machines hear what becomes of them. */
  readonly announcements: Announcements;
  readonly calls: readonly Call[];
  /** The most requests that were under way at once. */
  busiest: number;
  /** Is told of each request once it is done, before its answer goes out. */
  onDone: (call: Call) => void;
  /** Has a machine hear that it is taken back in so many milliseconds; then, or sooner, it is. */
  preempt(machine: string, ms: number): void;
  /** What a remote's config has to say to use it. */
  settings(changes?: object): object;
  close(): Promise<void>;
};

export async function openFake(
  manners: Manners = calm(),
  hardware: Hardware = noHardware,
): Promise<FakeAzure> {
  const folder = await mkdtemp(join(tmpdir(), 'swm-azure-'));
  const site = new Site(manners, hardware);
  const calls: Call[] = [];
  const tokens = new Set<string>();
  const server = createServer(await makeTls(folder));
  const announcements = await openAnnouncements();
  const fake: FakeAzure = {
    site,
    announcements,
    url: '',
    folder,
    calls,
    busiest: 0,
    onDone: () => {},
    preempt: (machine, ms) => preempt(fake, machine, ms),
    settings: (changes = {}) => settingsFor(fake, changes),
    async close() {
      await announcements.close();
      await site.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
  let busy = 0;
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    busy += 1;
    fake.busiest = Math.max(fake.busiest, busy);
    response.on('close', () => (busy -= 1));
    void textOf(request).then((text) => serve(fake, tokens, request, response, text));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(fake, { url: `https://127.0.0.1:${port}` });
}

async function makeTls(folder: string): Promise<{ key: string; cert: string }> {
  const installation = uuid('f');
  const authority = await makeAuthority({ installation, name: 'fake azure' });
  const key = makeKey();
  const subject = { kind: 'node', role: 'head', name: 'azure', installation } as const;
  const cert = await issue(authority, key, { ...subject, hosts: ['127.0.0.1'] });
  await writeFile(join(folder, 'ca.pem'), authority.certificate);
  await writeFile(join(folder, 'secret'), `${SECRET}\n`, { mode: 0o600 });
  await writeFile(join(folder, 'key.pub'), 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 nobody\n');
  return { key, cert };
}

/** The event is of that very machine: the next one of its name hears nothing of it. */
function preempt({ site, announcements }: FakeAzure, name: string, ms: number): void {
  const one = () => site.machines().find(({ order }) => order.name === name);
  const machine = one();
  if (machine === undefined) throw new Error(`there is no machine ${name}`);
  const isOver = (): boolean => one() !== machine;
  const begins = (): void => void (isOver() || site.evict(name));
  announcements.announce(name, 'Preempt', ms, { begins, isOver });
}

const settingsFor = ({ folder, url, announcements }: FakeAzure, changes: object): object => ({
  name: 'azure',
  kind: 'azure',
  subscription: SUBSCRIPTION,
  tenant: TENANT,
  auth: { method: 'clientSecret', client: CLIENT, secretFile: join(folder, 'secret') },
  locations: ['westeurope'],
  images: { host: { publisher: 'Debian', offer: 'debian-12', sku: '12-gen2' } },
  image: 'host',
  ssh: { publicKeyFile: join(folder, 'key.pub') },
  endpoint: url,
  authority: url,
  priceUrl: `${url}/api/retail/prices`,
  notices: announcements.url,
  ca: join(folder, 'ca.pem'),
  pace: { pollMs: 10, retryMs: 10, watchMs: 0, settleMs: 600 },
  ...changes,
});

function serve(
  fake: FakeAzure,
  tokens: Set<string>,
  request: IncomingMessage,
  response: ServerResponse,
  text: string,
): void {
  const { pathname, searchParams: query } = new URL(`${fake.url}${request.url}`);
  const path = decodeURIComponent(pathname).toLowerCase();
  const method = request.method ?? 'GET';
  const identity = ofIdentity(fake, tokens, path, text);
  const kind: Kind = identity?.kind ?? kindOf(path);
  const call = { method, path, kind, at: fake.calls.length + 1 };
  (fake.calls as Call[]).push(call);
  const fault = fake.site.manners.faults.find((each) => each.times > 0 && each.when(call));
  if (fault !== undefined) fault.times -= 1;
  if (fault?.do === 'silent') return;
  if (fault?.do === 'throttle' || fault?.do === 'error') return send(response, faulty(fault));
  const isPublic = identity !== undefined || kind === 'prices';
  const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
  const body = identity === undefined && text !== '' ? JSON.parse(text) : {};
  const said: Answer =
    identity?.answer ??
    (isPublic || tokens.has(token)
      ? answer({ method, path, query, body, base: fake.url }, fake.site)
      : {
          status: 401,
          body: { error: { code: 'ExpiredAuthenticationToken', message: 'expired' } },
        });
  fake.onDone(call);
  if (fault?.do === 'lost') return void response.socket?.destroy();
  send(response, fault?.do === 'doneError' ? faulty(fault) : said);
}

function faulty({ do: what, seconds = 1 }: Fault): Answer {
  const code = what === 'throttle' ? 'TooManyRequests' : 'InternalServerError';
  const body = { error: { code, message: 'The fake was told to be unkind.' } };
  if (what !== 'throttle') return { status: 500, body };
  const isWhole = Number.isInteger(seconds);
  const headers: Record<string, string> = isWhole
    ? { 'retry-after': String(seconds) }
    : { 'retry-after-ms': String(seconds * 1000) };
  return { status: 429, body, headers };
}

function send(response: ServerResponse, { status, body, headers = {} }: Answer): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body === undefined ? '' : JSON.stringify(body));
}

/** The authority that gives tokens. */
function ofIdentity(
  { url }: FakeAzure,
  tokens: Set<string>,
  path: string,
  text: string,
): { readonly kind: Kind; readonly answer: Answer } | undefined {
  const base = `${url}/${TENANT}`;
  if (path.endsWith('/.well-known/openid-configuration')) {
    const body = {
      issuer: `${base}/v2.0`,
      authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
      token_endpoint: `${base}/oauth2/v2.0/token`,
      jwks_uri: `${base}/discovery/v2.0/keys`,
    };
    return { kind: 'authority', answer: { status: 200, body } };
  }
  if (!path.endsWith('/oauth2/v2.0/token')) return undefined;
  const form = new URLSearchParams(text);
  if (form.get('client_id') !== CLIENT || form.get('client_secret') !== SECRET) {
    const error_description = 'AADSTS7000215: Invalid client secret provided.';
    return {
      kind: 'token',
      answer: { status: 401, body: { error: 'invalid_client', error_description } },
    };
  }
  const access_token = `token-${tokens.size + 1}-${crypto.randomUUID()}`;
  tokens.add(access_token);
  const body = { token_type: 'Bearer', expires_in: 3600, ext_expires_in: 3600, access_token };
  return { kind: 'token', answer: { status: 200, body } };
}
