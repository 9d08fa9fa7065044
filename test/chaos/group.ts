import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Client } from '../../src/client/client.ts';
import { connectTo } from '../../src/connect.ts';
import { keyPlaces } from '../../src/platform/key-files.ts';
import type { Reply } from '../../src/protocol/messages.ts';
import { endInstallation } from '../e2e/machine.ts';
import { type Addresses, drawAddresses, PORTS } from './addresses.ts';
import { type NodeProcess, nodeProcess } from './node-process.ts';
import { openSwitchboard, type Switchboard } from './switchboard.ts';
import { until } from './until.ts';

export type HeadProcess = NodeProcess & {
  /** `https://host:port` for terminals. */
  readonly url: string;
  /** `host:port` that nodes dial: a place at the switchboard, if there is one. */
  readonly address: string;
};

/** Heads and workers as real processes, each with a spool and an address of its own. */
export type Group = {
  /** A folder that jobs may pass through; it goes with the group. */
  readonly home: string;
  readonly heads: readonly HeadProcess[];
  readonly workers: readonly NodeProcess[];
  readonly switchboard: Switchboard;
  /** A client of these heads, or of all, as the admin. It is closed with the group. */
  client(heads?: readonly HeadProcess[], callMs?: number): Client;
  status(head: HeadProcess): Promise<Reply<'node.status'>>;
  /** Waits until all heads that run agree who leads, and it is one of them. */
  leader(seconds?: number): Promise<HeadProcess>;
  /** Another head in the place of a former one: same address, new spool, under this name. */
  replaced(head: HeadProcess, name: string): Promise<HeadProcess>;
  /** The arguments by which the command speaks to these heads, or to all. */
  place(heads?: readonly HeadProcess[]): readonly string[];
  close(): Promise<void>;
};

export type GroupOptions = {
  /** Whether links between nodes pass through a switchboard. */
  readonly isSwitched?: boolean;
  readonly heads?: number;
  readonly workers?: number;
  /** Cores that each worker has to give away. */
  readonly cpus?: number;
  /** Keys of the configuration of all nodes. */
  readonly settings?: Readonly<Record<string, string>>;
};

const STATUS_MS = 1_000;

/** Starts all of it, and resolves once everybody is there. What fails leaves nothing behind. */
export async function openGroup(options: GroupOptions = {}): Promise<Group> {
  const group = new RealGroup(options, await drawAddresses());
  try {
    await group.begin();
    return group;
  } catch (error) {
    const said = group.logs();
    await group.close();
    throw new Error(`${(error as Error).message}\n${said}`, { cause: error });
  }
}

class RealGroup implements Group {
  readonly home: string;
  readonly heads: HeadProcess[] = [];
  readonly workers: NodeProcess[] = [];
  readonly switchboard: Switchboard;
  readonly #options: Required<GroupOptions>;
  readonly #addresses: Addresses;
  readonly #all: NodeProcess[] = [];
  readonly #clients: Client[] = [];
  readonly #asking = new Map<HeadProcess, Client>();

  constructor(options: GroupOptions, addresses: Addresses) {
    this.#options = { isSwitched: false, heads: 3, workers: 2, cpus: 16, settings: {}, ...options };
    this.#addresses = addresses;
    this.home = mkdtempSync(join(tmpdir(), 'swm-group-'));
    chmodSync(this.home, 0o711);
    this.switchboard = openSwitchboard(
      () => new Map(this.#all.map((node) => [node.pid, node.name])),
    );
  }

  async begin(): Promise<void> {
    const { heads, workers } = this.#options;
    const first = await this.#head('h1', 1);
    await first.start();
    for (const kept of ['users', 'cluster'])
      cpSync(join(first.spool, 'secure', kept), join(this.#keys, 'secure', kept), {
        recursive: true,
      });
    const client = this.client([first]);
    const started: Promise<void>[] = [];
    for (let number = 2; number <= heads; number++) {
      const head = await this.#head(`h${number}`, number);
      await this.#invite(client, head, { address: head.address });
      started.push(head.start());
    }
    for (let number = 1; number <= workers; number++) {
      const worker = this.#worker(`w${number}`, heads + number);
      this.workers.push(worker);
      await this.#invite(client, worker);
      started.push(worker.start());
    }
    await Promise.all(started);
    await until(async () => {
      const listed = (await client.call('head.list', {})).heads;
      const { nodes } = await client.call('node.list', {});
      const isUp = (name: string) =>
        nodes.some((each) => each.name === name && each.phase === 'up');
      return (
        listed.every(({ phase }) => phase === 'member') && this.#all.every((n) => isUp(n.name))
      );
    }, 40);
    await this.leader(20);
  }

  client(heads: readonly HeadProcess[] = this.heads, callMs = 20_000): Client {
    const { certificate, key, chain } = this.#admin();
    const url = heads.map((head) => head.url);
    const client = connectTo({ url, certificate, key, authorities: chain }, { callMs });
    this.#clients.push(client);
    return client;
  }

  async status(head: HeadProcess): Promise<Reply<'node.status'>> {
    const client = this.#asking.get(head) ?? this.client([head], STATUS_MS);
    this.#asking.set(head, client);
    return client.call('node.status', {});
  }

  async leader(seconds = 20): Promise<HeadProcess> {
    let found: HeadProcess | undefined;
    await until(async () => {
      const running = this.heads.filter((head) => head.pid !== 0);
      const all = await Promise.all(
        running.map((head) => this.status(head).catch(() => undefined)),
      );
      const [name] = all.map((each) => each?.leader ?? '');
      found = running.find((head) => head.name === name);
      const terms = new Set(all.map((each) => each?.term));
      return terms.size === 1 && all.every((each) => each?.leader === name && each !== undefined);
    }, seconds);
    return found as HeadProcess;
  }

  async replaced(head: HeadProcess, name: string): Promise<HeadProcess> {
    const at = this.heads.indexOf(head);
    const others = this.heads.filter((each) => each !== head);
    const client = this.client(others);
    await client.call('head.remove', { name: head.name });
    await until(async () => {
      const { heads } = await client.call('head.list', {});
      return heads.every((each) => each.name !== head.name);
    });
    const fresh = await this.#head(name, at + 1, true);
    this.heads[at] = fresh;
    await this.#invite(client, fresh, { address: fresh.address });
    await fresh.start();
    await until(async () => {
      const { heads } = await client.call('head.list', {});
      return heads.some((each) => each.name === name && each.phase === 'member');
    });
    return fresh;
  }

  place(heads: readonly HeadProcess[] = this.heads): readonly string[] {
    const { certificate, key, chain } = this.#admin();
    const url = heads.map((head) => head.url).join();
    return ['--url', url, '--cert', certificate, '--key', key, '--ca', chain];
  }

  logs(): string {
    return this.#all.map(({ name, log }) => `--- ${name}\n${log.slice(-4_000)}`).join('\n');
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.close();
    for (const node of this.#all) await node.signal('SIGKILL');
    for (const worker of this.workers) await endInstallation(worker.spool);
    await this.switchboard.close();
    await this.#addresses.release();
    rmSync(this.home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }

  get #keys(): string {
    return join(this.home, 'keys');
  }

  /** The admin's keys, which the first head made; kept apart, lest they go with its spool. */
  #admin() {
    const places = keyPlaces(this.#keys);
    return { ...places.user('admin'), chain: places.chain };
  }

  async #head(name: string, number: number, isKnown = false): Promise<HeadProcess> {
    const host = this.#addresses.of(number);
    const port = this.#options.isSwitched ? PORTS.switchboard : PORTS.mesh;
    const address = `${host}:${port}`;
    if (this.#options.isSwitched && !isKnown)
      await this.switchboard.add(name, { host, port }, { host, port: PORTS.mesh });
    const node = this.#node(name, {
      address: host,
      roles: '[head]',
      'mesh.host': host,
      'mesh.port': `${PORTS.mesh}`,
      'mesh.advertise': `["${address}"]`,
      'terminals.host': host,
      'terminals.port': `${PORTS.terminals}`,
    });
    const head = Object.assign(node, { url: `https://${host}:${PORTS.terminals}`, address });
    if (!isKnown) this.heads.push(head);
    return head;
  }

  #worker(name: string, number: number): NodeProcess {
    const cpus = `${this.#options.cpus}`;
    const address = this.#addresses.of(number);
    return this.#node(name, { address, roles: '[worker]', 'resources.cpus': cpus });
  }

  #node(name: string, settings: Readonly<Record<string, string>>): NodeProcess {
    const spool = join(this.home, name);
    mkdirSync(spool, { mode: 0o711 });
    const invited = name === 'h1' ? {} : { join: this.#invitation(name) };
    const all = { name, ...this.#options.settings, ...settings, ...invited };
    const node = nodeProcess({ name, spool, settings: all });
    this.#all.push(node);
    return node;
  }

  #invitation(name: string): string {
    return join(this.home, `${name}.join`);
  }

  async #invite(client: Client, { name }: NodeProcess, head?: { address: string }): Promise<void> {
    const invitation =
      head === undefined
        ? await client.call('node.add', { name })
        : await client.call('head.add', { name, ...head });
    writeFileSync(this.#invitation(name), JSON.stringify(invitation), { mode: 0o600 });
  }
}
