import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Credentials } from '../../../src/platform/credentials.ts';
import { Cloud, type CloudOptions, flavors, type Machine } from './cloud.ts';

/** A request as it came. */
export type Asked = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: unknown;
  /** The common name of the certificate that was shown. */
  readonly peer: string;
};

/** What the service does with a request instead of what it should. */
export type Mischief =
  /** Cut before it is done, and after. */
  | { readonly is: 'cut' | 'deaf' }
  | { readonly is: 'silent' }
  | { readonly is: 'late'; readonly ms: number }
  /** Says something else, and does it all the same or not. */
  | {
      readonly is: 'says';
      readonly status: number;
      readonly body: string | object;
      readonly headers?: Readonly<Record<string, string>>;
      readonly isDone?: boolean;
    };

export type ServiceOptions = Partial<Omit<CloudOptions, 'idOf'>> & {
  readonly provider: 'azure' | 'openstack';
  /** Its own certificate, and whom it believes. */
  readonly credentials: Credentials;
  readonly count?: 'all' | 'extra';
  /** Where main machines are reached; else nowhere. */
  readonly address?: string;
  /** Lists have a slash at their end, and it says so to who leaves it out. */
  readonly slashes?: boolean;
};

type Answer = readonly [number, string | object, Readonly<Record<string, string>>?];

const ofOrder =
  'osversion containerimage flavorname username count jobid partname runtime location ports';

/** A gate service that answers in the ways in which those in use do, and worse if told to. */
export class GateService {
  readonly #options: ServiceOptions;
  readonly #server: Server;
  readonly cloud: Cloud;
  readonly asked: Asked[] = [];
  /** What a client did that it must not do. */
  readonly wrongs: string[] = [];
  /** Asked of each request, in their order. */
  mischief: (asked: Asked) => Mischief | undefined = () => undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
    const isAzure = options.provider === 'azure';
    this.cloud = new Cloud({
      ...{ clusters: 4, cpus: 6, bootMs: 0, hiddenMs: 0, removeMs: 0, ...options },
      idOf: (name, count) =>
        isAzure
          ? `/subscriptions/s-1/resourceGroups/${name}-resource-group`
          : `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`,
    });
    const { key, shown, chain } = options.credentials;
    const tls = { key, cert: shown, ca: chain, requestCert: true, rejectUnauthorized: true };
    this.#server = createServer({ ...tls, minVersion: 'TLSv1.2' }, (request, response) => {
      this.#heard(request, response).catch((error: unknown) => {
        this.wrongs.push(String(error));
        response.destroy();
      });
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.cloud.close();
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #heard(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = '';
    for await (const part of request) text += String(part);
    const socket = request.socket as TLSSocket;
    const asked: Asked = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers,
      body: JSON.parse(text || 'null') as unknown,
      peer: String(socket.getPeerCertificate().subject?.CN ?? ''),
    };
    this.asked.push(asked);
    this.#check(asked, text, socket);
    const mischief = this.mischief(asked);
    if (mischief?.is === 'cut') return void response.destroy();
    if (mischief?.is === 'silent') return;
    const isDone = mischief?.is !== 'says' || mischief.isDone === true;
    const answer: Answer = isDone ? this.#answer(asked) : [0, ''];
    if (mischief?.is === 'deaf') return void response.destroy();
    if (mischief?.is === 'late')
      await new Promise((go) => this.cloud.after(mischief.ms, () => go(0)));
    const [status, body, headers = {}] =
      mischief?.is === 'says' ? [mischief.status, mischief.body, mischief.headers] : answer;
    const isText = typeof body === 'string';
    const type = isText ? 'text/plain' : 'application/json';
    response.writeHead(status, { 'content-type': type, ...headers });
    response.end(isText ? body : JSON.stringify(body));
  }

  /** What is asked of every request, whatever it is about. */
  #check({ method, path, headers, body, peer }: Asked, text: string, socket: TLSSocket): void {
    const refuse = (what: string): void => void this.wrongs.push(`${method} ${path}: ${what}`);
    if (socket.getProtocol() !== 'TLSv1.3') refuse('not by TLS 1.3');
    if (peer === '') refuse('no certificate');
    if (headers['content-type'] !== 'application/json') refuse('not as JSON');
    if (Number(headers['content-length']) !== Buffer.byteLength(text)) refuse('no content-length');
    const pem = (body as { pem_data?: unknown } | null)?.pem_data;
    const isPair = /^-----BEGIN PRIVATE KEY-.+-END PRIVATE KEY-----\n-----BEGIN CERTIFICATE-/s;
    if (typeof pem !== 'string' || !isPair.test(pem)) refuse('no key and certificate');
    if (method !== 'POST') return;
    for (const name of ofOrder.split(' ')) if (headers[name] === undefined) refuse(`no ${name}`);
    if (String(headers['ports']).split(',').includes('')) refuse('an empty port');
    if (!String(headers['runtime']).split(',').includes('swm_source=ssh')) refuse('no swm_source');
    if (this.cloud.partitions.has(String(headers['partname']))) refuse('made twice');
  }

  #answer(asked: Asked): Answer {
    const { method, headers } = asked;
    const { provider, slashes = false } = this.#options;
    const [, what = '', rest] = /^\/[a-z]+\/([a-z]+)(\/.*)?$/.exec(asked.path) ?? [];
    if (!asked.path.startsWith(`/${provider}/`)) return [404, { detail: 'Not Found' }];
    const isList = method === 'GET' && (rest === undefined || rest === '/');
    if (isList && slashes && rest === undefined) {
      const location = `https://${headers.host}${asked.path}/`;
      return [307, '', { location }];
    }
    if (isList && what === 'partitions') return [200, { partitions: this.#list() }];
    if (isList && headers['extra'] !== 'location=here')
      return [200, { error: 'Extra parameter is not specified: location' }];
    if (isList && what === 'flavors') return [200, { flavors: this.#flavors() }];
    if (isList && what === 'images')
      return [200, { images: [1, 2].map((id) => ({ id: `i${id}`, name: 'host', extra: {} })) }];
    if (what === 'partitions' && method === 'POST' && rest === undefined)
      return this.#create(asked);
    if (what === 'partitions' && method === 'GET') return this.#byName(rest!.slice(1));
    if (what === 'partitions' && method === 'DELETE') return this.#remove(rest!.slice(1));
    return [404, { detail: 'Not Found' }];
  }

  #create({ headers }: Asked): Answer {
    const { provider, count = 'all' } = this.#options;
    const nodes = Number(headers['count']) + (count === 'extra' ? 1 : 0);
    const made = this.cloud.make(String(headers['partname']), String(headers['flavorname']), nodes);
    if (typeof made !== 'string')
      return [200, { partition: this.#show(made, provider === 'azure') }];
    const trace = [
      'Traceback (most recent call last):\n',
      '  File "connector.py", line 7, in make\n',
    ];
    return [200, { error: [...trace, `HttpResponseError: ${made}\n`], partition: null }];
  }

  #list(): readonly object[] {
    const isAzure = this.#options.provider === 'azure';
    const shown = [...this.cloud.partitions.values()]
      .filter(({ hidden }) => !hidden)
      // One cloud's list knows nothing of how its entries are.
      .map((each) => ({ ...this.#show(each, isAzure), ...(isAzure ? { status: null } : {}) }));
    const ghost = { id: 'g-1', name: 'swm-gone', status: 'deleted', created: null };
    return isAzure ? shown : [...shown, ghost];
  }

  #byName(name: string): Answer {
    const found = this.cloud.partitions.get(name);
    if (found === undefined || found.hidden) return [404, { detail: 'Partition not found' }];
    return [200, this.#show(found, false)];
  }

  #remove(id: string): Answer {
    if (this.#options.provider === 'azure' && !/^\/subscriptions\/[^/]+\/res/.test(id))
      return [404, { detail: 'Not Found' }];
    if (this.cloud.remove(id)) return [200, { result: 'Deletion has begun' }];
    return this.#options.provider === 'azure'
      ? [500, { detail: 'Cannot delete partition' }]
      : [500, 'Internal Server Error'];
  }

  #show({ id, name, status, nodes, created }: Machine, suffixed: boolean): object {
    const net = [...this.cloud.partitions.keys()].indexOf(name) + 1;
    const isUp = status === 'succeeded';
    return {
      id,
      name: suffixed ? `${name}-resource-group` : name,
      status,
      master_public_ip: isUp ? (this.#options.address ?? `20.0.${net}.1`) : '',
      master_private_ip: isUp ? `10.0.${net}.1` : null,
      compute_instances_ips: isUp
        ? Array.from({ length: nodes - 1 }, (_, at) => `10.0.${net}.${at + 2}`)
        : [],
      created: this.#options.provider === 'azure' ? null : created,
      updated: null,
      description: null,
    };
  }

  #flavors(): readonly object[] {
    const unit = this.#options.provider === 'azure' ? 1 : 1 << 20;
    return flavors.map(({ megabytes, storage, ...each }, at) => ({
      id: `f${at}`,
      ...each,
      mem: megabytes * unit,
      storage: storage * unit,
    }));
  }
}
