import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ForwardOrder, Forwards } from '../actors/ways.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { type AliasPool, aliasPool } from './alias-pool.ts';
import { connectJob, type ResolvePort } from './job-port.ts';
import { BindFailed, type OpenPort, openPort, shut } from './open-port.ts';
import { relay } from './relay.ts';
import type { Stream } from './stream.ts';
import type { Hub } from './streams.ts';

export type ForwardsOptions = {
  /** Addresses for jobs, such as `127.77.0.0/16`. */
  readonly pool: string;
  /** The bulk streams to a node; undefined while there never was a link to it. */
  readonly hubOf: (node: string) => Hub | undefined;
  /** Where this node is a worker too, its own jobs are reached without a stream. */
  readonly here?: { readonly node: string; readonly resolve: ResolvePort } | undefined;
};

export interface HeadForwards extends Forwards {
  closeAll(): Promise<void>;
}

/** The `in` ports of jobs, each bound on its job's own loopback address. */
export const openForwards = (options: ForwardsOptions): HeadForwards =>
  new LoopbackForwards(options);

type Forward = { order: ForwardOrder; readonly doors: Map<number, OpenPort> };

/** Aliases that are tried before the pool is said to have no free one. */
const aliasTriesMax = 256;

class LoopbackForwards implements HeadForwards {
  readonly #options: ForwardsOptions;
  readonly #pool: AliasPool;
  readonly #forwards = new Map<string, Forward>();
  /** What was asked of a job is done in the order of the asking. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(options: ForwardsOptions) {
    this.#options = options;
    this.#pool = aliasPool(options.pool, Math.random());
  }

  open(order: ForwardOrder): Promise<void> {
    return this.#inTurn(order.job, () => this.#open(order));
  }

  close(job: string): Promise<void> {
    return this.#inTurn(job, () => this.#close(job));
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#forwards.keys()].map((job) => this.close(job)));
  }

  /** One call at a time: a port that another call tries is no port that is held. */
  free(ports: readonly number[], taken: readonly string[]): Promise<string> {
    return this.#inTurn('', () => this.#free(ports, taken));
  }

  async #free(ports: readonly number[], taken: readonly string[]): Promise<string> {
    const held = new Set(taken);
    for (const { order } of this.#forwards.values()) held.add(order.alias);
    let why: Failed | undefined;
    for (let tries = 0; tries < Math.min(aliasTriesMax, this.#pool.size); tries += 1) {
      const alias = this.#pool.next();
      if (held.has(alias)) continue;
      try {
        await tryPorts(alias, ports);
        return alias;
      } catch (error) {
        if (!(error instanceof BindFailed)) throw error;
        why = error.failed;
        if (error.everywhere) break;
      }
    }
    throw why ?? new Failed('port_busy', `every address of ${this.#pool.text} has its job`);
  }

  async #inTurn<T>(job: string, then: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(job) ?? Promise.resolve()).catch(() => {}).then(then);
    this.#turns.set(job, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(job) === turn) this.#turns.delete(job);
    }
  }

  async #open(order: ForwardOrder): Promise<void> {
    const { job, alias, ports } = order;
    if (!this.#pool.has(alias))
      throw new Failed('refused', `${alias} is none of the addresses ${this.#pool.text}`);
    if (this.#forwards.get(job)?.order.alias !== alias) await this.#close(job);
    const forward = this.#forwards.get(job) ?? { order, doors: new Map() };
    forward.order = order;
    this.#forwards.set(job, forward);
    for (const [port, door] of forward.doors) {
      if (ports.includes(port)) continue;
      forward.doors.delete(port);
      await shut(door);
    }
    try {
      for (const port of ports)
        if (!forward.doors.has(port)) forward.doors.set(port, await this.#bind(forward, port));
    } catch (error) {
      await this.#close(job);
      throw error instanceof BindFailed ? this.#named(error) : error;
    }
  }

  async #close(job: string): Promise<void> {
    const doors = this.#forwards.get(job)?.doors.values() ?? [];
    this.#forwards.delete(job);
    await Promise.all([...doors].map(shut));
  }

  #bind(forward: Forward, port: number): Promise<OpenPort> {
    return openPort(forward.order.alias, port, (socket) => this.#connect(forward, port, socket));
  }

  /** Joins a connection with the job, wherever it runs now. */
  async #connect({ order }: Forward, port: number, socket: Socket): Promise<void> {
    const { job, node } = order;
    const { here } = this.#options;
    if (node === here?.node)
      return relay(socket, await connectJob(here.resolve, job, port, () => socket.destroyed));
    const to = { hubOf: this.#options.hubOf, node, isOver: () => socket.destroyed };
    await relay(socket, await streamTo(to, 'port.open', { job, port }));
  }

  /** Of the holders, this process knows its own by their jobs. */
  #named(error: BindFailed): Failed {
    const { host: alias, port, failed } = error;
    for (const { order, doors } of this.#forwards.values())
      if (order.alias === alias && doors.has(port))
        return new Failed('port_busy', `Port ${port} of ${alias} is that of job ${order.job}.`);
    return failed;
  }
}

type Way = Pick<ForwardsOptions, 'hubOf'> & {
  readonly node: string;
  /** Whether nobody wants it any more. */
  readonly isOver: () => boolean;
};

/** Opens a stream to a node, which fails if that does not answer in time. */
export async function streamTo(
  { hubOf, node, isOver }: Way,
  kind: string,
  body: object,
): Promise<Stream> {
  const stream = (await hubInTime(() => hubOf(node), `node ${node}`, isOver)).open(kind, body);
  const late = setTimeout(() => {
    stream.destroy(new Failed('timeout', `node ${node} does not answer`));
  }, limits.forwardOpenMs);
  stream.accepted().then(
    () => clearTimeout(late),
    () => clearTimeout(late),
  );
  return stream;
}

/** The streams to a node; if there never was a link to it, one is waited for a while. */
export async function hubInTime(
  hubOf: () => Hub | undefined,
  to: string,
  isOver: () => boolean = () => false,
): Promise<Hub> {
  const deadline = performance.now() + limits.forwardOpenMs;
  for (;;) {
    const hub = hubOf();
    if (hub) return hub;
    if (isOver() || performance.now() > deadline)
      throw new Failed('unreachable', `there is no link to ${to}`);
    await sleep(100);
  }
}

async function tryPorts(alias: string, ports: readonly number[]): Promise<void> {
  for (const port of ports) {
    const open = await openPort(alias, port, async (socket) => void socket.resetAndDestroy());
    await shut(open);
  }
}
