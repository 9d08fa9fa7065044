import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { type Agent, request } from 'node:https';
import { join } from 'node:path';
import { issue, makeAuthority, makeKey, type Validity } from '../../src/platform/certificates.ts';
import { keyPlaces, writeKeyPair, writePem } from '../../src/platform/key-files.ts';
import { cleanup, type Dev, dev, folder } from '../e2e/lab.ts';

/** A certificate and its key, as PEM. */
export type Person = { readonly key: string; readonly cert: string };

export type Asked = {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly agent?: Agent;
};

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
  readonly bytes: Buffer;
  json(): unknown;
};

export type Place = {
  readonly home: string;
  readonly node: Dev;
  readonly url: string;
  /** The authorities, as PEM. */
  readonly chain: string;
  /** Registered users, and one whom nobody has registered. */
  readonly admin: Person;
  readonly ann: Person;
  readonly bob: Person;
  readonly eve: Person;
  /** Registered, and of yesterday. */
  readonly old: Person;
  ask(person: Person | undefined, path: string, asked?: Asked): Promise<Answer>;
  /** The answer as it begins; it is cut off with the test. */
  open(person: Person, path: string, headers?: Asked['headers']): Promise<IncomingMessage>;
};

/** A head with users, whose authority lies below a grid's, as in older installations. */
export async function restPlace(args: readonly string[] = []): Promise<Place> {
  const home = await folder();
  const spool = join(home, 'spool');
  const places = keyPlaces(spool);
  const installation = crypto.randomUUID();
  const grid = await makeAuthority({ installation, name: 'a grid' }, { signsAuthorities: true });
  const authority = await makeAuthority({ installation, name: 'a cluster' }, { parent: grid });
  const chain = authority.certificate + grid.certificate;
  await writePem(places.chain, chain);
  await writeKeyPair(places.cluster, authority);
  const person = async (name: string, validity?: Validity): Promise<Person> => {
    const key = makeKey();
    const subject = { kind: 'user', id: crypto.randomUUID(), name } as const;
    return { key, cert: await issue(authority, key, subject, validity) };
  };
  const registered = async (name: string, validity?: Validity): Promise<Person> => {
    const made = await person(name, validity);
    await writeKeyPair(places.user(name), { key: made.key, certificate: made.cert });
    return made;
  };
  const day = 86_400_000;
  const until = new Date(Date.now() - day);
  const [ann, bob, old, eve] = await Promise.all([
    registered('ann'),
    registered('bob'),
    registered('old', { from: new Date(until.getTime() - day), until }),
    person('eve'),
  ]);
  const node = await dev(spool, args);
  const admin = {
    key: await readFile(places.user('admin').key, 'utf8'),
    cert: await readFile(places.user('admin').certificate, 'utf8'),
  };
  const file = await readFile(join(spool, 'run', 'node.json'), 'utf8');
  const { terminal } = JSON.parse(file) as { terminal: { host: string; port: number } };
  const ask: Place['ask'] = (who, path, asked = {}) =>
    askOnce({ ...terminal, chain }, who, path, asked);
  const url = `https://${terminal.host}:${terminal.port}`;
  const open: Place['open'] = (who, path, headers = {}) =>
    new Promise((resolve, reject) => {
      const to = { ...terminal, path, headers, ca: chain, agent: false, ...who };
      const sent = request(to, resolve).on('error', reject).end();
      cleanup(async () => void sent.destroy());
    });
  return { home, node, url, chain, admin, ann, bob, eve, old, ask, open };
}

export type Door = { readonly host: string; readonly port: number; readonly chain: string };

/** One request as existing programs make it: over a connection of its own, unless one is kept. */
export function askOnce(
  { host, port, chain }: Door,
  who: Person | undefined,
  path: string,
  { method = 'GET', headers = {}, body, agent }: Asked,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const to = { host, port, path, method, headers, ca: chain, agent: agent ?? false, ...who };
    const sent = request(to, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(parts);
        const text = bytes.toString();
        const status = response.statusCode ?? 0;
        resolve({ status, headers: response.headers, text, bytes, json: () => JSON.parse(text) });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

/** What comes of an answer, as far as it has come. */
export function heard(answer: IncomingMessage) {
  let text = '';
  answer.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  const over = new Promise<void>((resolve) => answer.once('end', () => resolve()));
  return { text: () => text, over };
}
