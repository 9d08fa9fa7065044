import { common, workerFamilies } from '../actors/families.ts';
import { OF_NODE, refusal } from '../actors/lead.ts';
import type { Runner } from '../actors/runner/runner.ts';
import { workerTree } from '../actors/tree.ts';
import { serveLentShell } from '../api/shell/elsewhere.ts';
import { serveShells } from '../api/shell/shell.ts';
import { type Bulk, openBulk } from '../platform/bulk.ts';
import { type Links, openLinks } from '../platform/links.ts';
import { scheduledEvents } from '../platform/notices.ts';
import type { Hub, StreamHandler } from '../platform/streams.ts';
import { watchTunnels } from '../platform/tunnels.ts';
import type { Envelope } from '../protocol/envelope.ts';
import { limits } from '../protocol/limits.ts';
import { type Body, message } from '../protocol/messages.ts';
import type { Who } from '../protocol/who.ts';
import { nactCells } from '../runtime/cell.ts';
import { Node } from '../runtime/node.ts';
import type { Cancel, Store } from '../runtime/ports.ts';
import { ask } from './ask.ts';
import { type Dials, openDials } from './dials.ts';
import { leave } from './elsewhere.ts';
import { enrolWorker, keepHeads } from './enrol.ts';
import {
  type Ground,
  hello,
  isRefused,
  openGround,
  openTree,
  type Running,
  type Setup,
} from './ground.ts';
import { type Led, openLed } from './lead.ts';
import { namedIn } from './named.ts';
import { heedNotices } from './notices.ts';
import { carrierOf, waysBy, workerStreams } from './streams.ts';
import { openSweep } from './sweep.ts';
import { openWorker, type Worker } from './worker.ts';

const STOPPING = 'the node is stopping';

/** A store for a node without one: a worker keeps nothing of what the heads replicate. */
const nothing: Store = {
  term: 0,
  get: () => undefined,
  range: () => [],
  commit: () => {
    throw new Error('this node is no head');
  },
  close: async () => {},
};

/** Starts a node that only runs jobs: it follows whichever head leads. */
export async function startWorker(setup: Setup): Promise<Running> {
  const base = await openGround(setup);
  const { spool, config, clock, note, nodeStore, giveUp } = base;
  const follower = new Follower(base, await openLed(spool));
  const keys = await enrolWorker(spool, config);
  const { links, bulk } = follower;
  const carrier = carrierOf(base.blobs, () => follower.hub());
  const ways = waysBy(() => follower.hub());
  const worker = await openWorker({ ...base, carrier, ways, node: () => node });
  const node: Node = new Node(
    config.name,
    { ...common, ...workerFamilies(worker.ports, nodeStore) },
    {
      clock,
      cells: nactCells(config.name),
      stores: { control: nothing, node: nodeStore },
      wire: links.wire,
      note,
      leader: () => follower.leader,
    },
  );
  const root = openTree(node, workerTree(nodeStore, config.name), giveUp);
  const dials = openDials({ links, bulk, clock, note }, keys.credentials);
  follower.begin({ node, worker, dials, shells: shellsOf(base, node, links) });
  dials.set(keys.heads);
  const watched =
    config.tunnels === '' ? undefined : watchTunnels(config.tunnels, (all) => dials.keep(all));
  const notices = config.notices.url === '' ? undefined : heed(base, node);
  const sweep = sweepOf(base);
  return {
    url: `swm://${keys.heads[0] ?? ''}`,
    clear: async () => '',
    async close() {
      follower.end();
      watched?.();
      notices?.();
      sweep.close();
      dials.close(STOPPING);
      bulk.close(STOPPING);
      links.closeAll(STOPPING);
      root.halt(STOPPING);
      worker.close();
      await nodeStore.close();
      await leave(spool);
    },
  };
}

const sweepOf = ({ blobs, nodeStore, clock, note }: Ground): ReturnType<typeof openSweep> =>
  openSweep({
    blobs,
    named: () => namedIn([nodeStore]),
    everyMs: limits.workerSweepMs,
    keptMs: limits.workerBlobMs,
    clock,
    note,
  });

/** Tells the heads when the site of this machine takes it back. */
function heed(base: Ground, node: Node): Cancel {
  const { notices, name } = base.config;
  const said = message('node.evicted', { node: name });
  const runners = () => [...(node.routes.find('/runners')?.children.living ?? [])];
  return heedNotices({
    ...base,
    source: scheduledEvents({ ...notices, machine: notices.machine || name }),
    tell: () => ask(node, `/nodes/${name}`, said, limits.noticeHeardMs),
    isIdle: () => runners().every(({ state }) => (state as Runner).phase === 'forgotten'),
  });
}

type Parts = {
  readonly node: Node;
  readonly worker: Worker;
  readonly dials: Dials;
  readonly shells: StreamHandler;
};

/** For operators who look inside this worker; the head that leads them here notes what they do. */
const shellsOf = ({ level, clock }: Ground, node: Node, links: Links): StreamHandler =>
  serveLentShell(
    serveShells({
      ...{ node, level, audited: undefined, raft: undefined },
      noted: () => {},
      links: () => links.names(),
      now: () => clock.now(),
    }),
  );

/** Knows which head leads, and introduces this worker to it. */
class Follower {
  readonly links: Links;
  readonly bulk: Bulk;
  readonly #base: Ground;
  readonly #led: Led;
  #parts: Parts | undefined;
  #isOver = false;

  constructor(base: Ground, led: Led) {
    this.#base = base;
    this.#led = led;
    this.links = openLinks({
      note: base.note,
      receive: (who, envelope) => this.#receive(who, envelope),
      onUp: ({ name }) => {
        if (name === this.leader) this.#greet();
      },
      onDown: ({ name }) => this.#parts?.node.routes.unlinked(name),
    });
    this.bulk = openBulk((hub) => {
      if (this.#parts === undefined) return;
      workerStreams(hub, this.#parts.node, this.#parts.worker);
      hub.serve('shell.open', this.#parts.shells);
    }, base.note);
  }

  get leader(): string | undefined {
    return this.#led.lead.leader || undefined;
  }

  /** Where files go to and come from: the leader if it is there, else any head that is. */
  hub(): Hub | undefined {
    const names = [this.leader ?? '', ...this.links.names()];
    const hubs = names.flatMap((name) => this.bulk.hub(name) ?? []);
    return hubs.find(({ attached }) => attached) ?? hubs[0];
  }

  /** Links are dialled only after this. */
  begin(parts: Parts): void {
    this.#parts = parts;
  }

  end(): void {
    this.#isOver = true;
  }

  #receive(who: Who, envelope: Envelope): void {
    if (envelope.is === 'call' && envelope.to === OF_NODE) {
      if (envelope.message.name !== 'node.leader') return;
      this.#heard(who, envelope.message.body).catch(this.#base.failed);
      return;
    }
    // The first orders of a leader come right behind its news, which may still be being kept.
    if (refusal(this.#led.lead, who, envelope) === undefined)
      this.#parts?.node.routes.receive(who, envelope);
    else this.#led.settled(() => this.#ordered(who, envelope));
  }

  #ordered(who: Who, envelope: Envelope): void {
    if (!this.#isOver && !isRefused(this.links, this.#led.lead, who, envelope))
      this.#parts?.node.routes.receive(who, envelope);
  }

  async #heard(who: Who, said: Body<'node.leader'>): Promise<void> {
    const before = this.leader;
    const isNews = await this.#led.heard(who, said);
    if (this.#isOver) return;
    // Whoever was away may know none of those that may lead now; any head knows them.
    if (who.id !== this.leader) {
      this.#parts?.dials.add(said.heads);
      const isLinked = said.leader === '' || this.links.names().includes(said.leader);
      if (!isLinked) this.#parts?.dials.hurry();
      return;
    }
    if (isNews) {
      if (before !== undefined && before !== who.id) this.#parts?.node.routes.deposed(before);
      this.#greet();
    }
    if (said.heads.length === 0) return;
    this.#parts?.dials.set(said.heads);
    await keepHeads(this.#base.spool, said.heads);
  }

  #greet(): void {
    if (this.#parts !== undefined) hello(this.#parts.node, this.#base, () => this.#isOver);
  }
}
