import { setTimeout as sleep } from 'node:timers/promises';
import { common, headFamilies, workerFamilies } from '../actors/families.ts';
import { type Feed, feedOf, type Telling } from '../actors/feed.ts';
import { GROUP } from '../actors/group/keeping.ts';
import { news, OF_NODE } from '../actors/lead.ts';
import { doorTree, workerTree } from '../actors/tree.ts';
import { type Bulk, openBulk } from '../platform/bulk.ts';
import { type Links, openLinks } from '../platform/links.ts';
import { timedStore } from '../platform/timed-store.ts';
import type { Envelope } from '../protocol/envelope.ts';
import { limits } from '../protocol/limits.ts';
import { type Message, message } from '../protocol/messages.ts';
import { control } from '../protocol/ref.ts';
import type { Who } from '../protocol/who.ts';
import type { Actor } from '../runtime/actor.ts';
import { nactCells } from '../runtime/cell.ts';
import { Node } from '../runtime/node.ts';
import type { Change } from '../runtime/ports.ts';
import { ask } from './ask.ts';
import { carrierOf, openCopies } from './copies.ts';
import { openCouncil } from './council.ts';
import { type Dials, openDials } from './dials.ts';
import { leave } from './elsewhere.ts';
import { enrolHead, type HeadKeys, keepHeads } from './enrol.ts';
import {
  type Ground,
  hello,
  isRefused,
  openGround,
  openTree,
  type Running,
  type Setup,
} from './ground.ts';
import { dialledBy, headsOf } from './group.ts';
import { type Head, openHead, treeOf } from './head.ts';
import { type Hoard, openHoard } from './hoard.ts';
import { headMessage } from './raft-wire.ts';
import type { Council } from './seat.ts';
import { dropFetched } from './snapshots.ts';
import { waysOf, workerStreams } from './streams.ts';
import { openWorker, type Worker } from './worker.ts';

const STOPPING = 'the node is stopping';
const [AGAIN_MS, LEARN_MS] = [200, 2_000];

/** Starts a head: one of those that agree, with the control tree while it leads. */
export async function startHead(given: Setup): Promise<Running> {
  const keys = await enrolHead(given.spool, given.config);
  const spool = { ...given.spool, installation: keys.installation };
  const node = new HeadNode(await openGround({ ...given, spool }), keys);
  await node.start();
  return node;
}

/** All that is there once the head is. */
type Parts = {
  readonly council: Council;
  readonly feed: Feed;
  readonly hoard: Hoard;
  readonly head: Head;
  readonly worker: Worker | undefined;
  readonly node: Node;
};

class HeadNode implements Running {
  readonly #base: Ground;
  readonly #keys: HeadKeys;
  readonly #self: string;
  readonly #links: Links;
  readonly #bulk: Bulk;
  readonly #dials: Dials;
  readonly #roots: Actor[] = [];
  #parts: Parts | undefined;
  #telling: Telling | undefined;
  #control: Actor | undefined;
  /** Whether its doors are open, so that others can reach it. */
  #isOpen = false;
  #isOver = false;

  constructor(base: Ground, keys: HeadKeys) {
    const { note, clock, config } = base;
    this.#base = base;
    this.#keys = keys;
    this.#self = config.name;
    this.#links = openLinks({
      note,
      receive: (who, envelope) => this.#receive(who, envelope),
      onUp: (peer) => this.#linked(peer.name, peer.role === 'head'),
      onDown: (peer, why) => this.#unlinked(peer.name, peer.role === 'head', why),
    });
    this.#bulk = openBulk((hub) => {
      this.#parts?.head.serve(hub);
      if (hub.who.door === 'head' && this.#parts !== undefined)
        workerStreams(hub, this.#parts.node, this.#parts.worker);
    }, note);
    const mesh = { links: this.#links, bulk: this.#bulk, clock, note };
    this.#dials = openDials(mesh, keys.credentials, limits.redialHeadMsMax);
  }

  get url(): string {
    return this.#parts?.head.url() ?? '';
  }

  async start(): Promise<void> {
    const { config, clock, note, nodeStore, giveUp } = this.#base;
    const council = await this.#openCouncil();
    const { feed, copies, hoard } = this.#shelves(council);
    const ways = waysOf({ config, council, bulk: this.#bulk });
    const node = (): Node => (this.#parts as Parts).node;
    const worker = config.roles.includes('worker')
      ? await openWorker({ ...this.#base, carrier: carrierOf(copies), ways, node })
      : undefined;
    const links = this.#links;
    const control = timedStore(council.store);
    const lent = { keys: this.#keys, links, bulk: this.#bulk, council, feed, copies, worker, node };
    const head = await openHead({ ...this.#base, ...lent, commits: () => control.latencies() });
    const families = {
      ...common,
      ...headFamilies(head.ports, council.store),
      ...(worker ? workerFamilies(worker.ports, nodeStore) : {}),
    };
    const stores = { control: control.store, node: nodeStore };
    const platform = {
      clock,
      cells: nactCells(this.#self),
      stores,
      wire: links.wire,
      note,
      leader: () => council.lead.leader || undefined,
    };
    const made = new Node(this.#self, families, platform);
    this.#parts = { council, feed, hoard, head, worker, node: made };
    // The workers' tree first: whoever gives orders finds those who take them.
    if (worker) this.#roots.push(openTree(made, workerTree(nodeStore, this.#self), giveUp));
    this.#follow();
    this.#roots.push(openTree(made, doorTree(), giveUp));
    this.#headsMoved();
    if (council.voters().length === 1 && council.voters()[0] === this.#self) await council.led();
    await head.listen();
    this.#isOpen = true;
    hoard.all();
    this.#lead();
    if (this.#keys.joinedBy.length > 0) await Promise.race([this.#learnKeys(), sleep(LEARN_MS)]);
  }

  async clear(signal: AbortSignal): Promise<string> {
    return (await this.#parts?.head.clear(signal)) ?? '';
  }

  async close(): Promise<void> {
    this.#isOver = true;
    const parts = this.#parts;
    await parts?.head.close();
    parts?.hoard.close();
    this.#dials.close(STOPPING);
    this.#bulk.close(STOPPING);
    for (const root of this.#roots.toReversed()) root.halt(STOPPING);
    this.#control?.halt(STOPPING);
    parts?.worker?.close();
    await parts?.council.close();
    this.#links.closeAll(STOPPING);
    await this.#base.nodeStore.close();
    await leave(this.#base.spool);
  }

  #openCouncil(): Promise<Council> {
    return openCouncil({
      ...this.#base,
      keys: this.#keys,
      links: this.#links,
      hubOf: (name) => this.#bulk.hub(name),
      ask: (path, question) => ask((this.#parts as Parts).node, path, question),
      onLead: ({ leader }, before) => this.#led(leader, before.leader),
      onLeading: () => this.#follow(),
      onApplied: (changes) => this.#applied(changes),
      onReplaced: () => {
        this.#parts?.hoard.all();
        this.#telling?.replaced();
        dropFetched(this.#base).catch(this.#base.failed);
      },
      onHeads: () => this.#headsMoved(),
    });
  }

  #shelves(council: Council) {
    const { store } = council;
    const voters = () => council.voters();
    const { feed, telling } = feedOf(store, this.#base.clock, this.#self);
    const hubOf = (name: string) => this.#bulk.hub(name);
    const copies = openCopies({ ...this.#base, self: this.#self, voters, hubOf });
    const isAlone = (): boolean => voters().length <= 1;
    const hoard = openHoard({ ...this.#base, store, copies, isAlone, council });
    this.#telling = telling;
    return { feed, copies, hoard };
  }

  #applied(changes: readonly Change[]): void {
    this.#telling?.changed(changes);
    this.#parts?.hoard.changed(changes);
  }

  #receive(who: Who, envelope: Envelope): void {
    if (this.#parts === undefined) return;
    const { council, node } = this.#parts;
    const said = headMessage(who, envelope);
    if (said !== undefined) council.replica.receive(who.id, said);
    else if (envelope.is === 'call' && envelope.to === OF_NODE) this.#told(envelope.message);
    else if (!isRefused(this.#links, council.lead, who, envelope))
      node.routes.receive(who, envelope);
  }

  #linked(name: string, isHead: boolean): void {
    if (this.#parts === undefined) return;
    const { council } = this.#parts;
    if (isHead) council.replica.linked(name);
    this.#announce([name]);
    if (name === council.lead.leader) this.#greet();
  }

  #unlinked(name: string, isHead: boolean, why: string): void {
    if (this.#parts === undefined) return;
    const { council, node, head } = this.#parts;
    node.routes.unlinked(name);
    if (isHead) council.replica.unlinked(name);
    if (this.#control !== undefined) head.unlinked(name, why);
  }

  /** Another head leads, or none. */
  #led(leader: string, before: string): void {
    if (this.#parts === undefined || leader === before) return;
    if (before !== '' && before !== this.#self) this.#parts.node.routes.deposed(before);
    if (leader !== this.#self) this.#announce(this.#links.names());
    if (leader !== '' && leader !== this.#self) this.#greet();
  }

  /** Opens the control tree once this head leads, and ends it before anything else once not. */
  #follow(): void {
    if (this.#parts === undefined || this.#isOver) return;
    const { council, node } = this.#parts;
    if (!council.leads) {
      this.#control?.halt('this head leads no more');
      this.#control = undefined;
    } else if (this.#control === undefined) {
      this.#control = openTree(node, treeOf(this.#base.config, council.store), this.#base.giveUp);
      this.#lead();
    }
  }

  /** What a leader does beside its tree, once others can reach it. */
  #lead(): void {
    const { head, node } = this.#parts as Parts;
    if (this.#control === undefined || !this.#isOpen) return;
    head.ownAddresses().then(([address = '']) => {
      const said = message('head.add', { name: this.#self, address });
      node.routes.tell(control(GROUP), said, { door: 'local', id: 'head' });
    }, this.#base.failed);
    this.#announce(this.#links.names());
    this.#greet();
  }

  /** Tells who leads, and of all heads: whoever was away may have no link to one that leads. */
  #announce(names: readonly string[]): void {
    const { council, head } = this.#parts as Parts;
    const { leader, term } = council.lead;
    if (leader === this.#self && this.#control === undefined) return;
    head.addresses().then((heads) => {
      if (leader !== council.lead.leader || council.lead.term !== term) return;
      for (const name of names) this.#links.wire.send(name, news({ leader, term, heads }));
    }, this.#base.failed);
  }

  /** Heads know who leads from their log, not by hearsay; one without a log yet looks for it. */
  #told({ name, body }: Message): void {
    const { replica } = (this.#parts as Parts).council;
    const isNew = dialledBy(this.#self, headsOf(replica)) === undefined;
    if (name === 'node.leader' && isNew) this.#dials.add(body.heads);
  }

  #greet(): void {
    if (this.#parts !== undefined) hello(this.#parts.node, this.#base, () => this.#isOver);
  }

  /** The heads that were there before this one are dialled; the others dial. */
  #headsMoved(): void {
    if (this.#parts === undefined) return;
    const { replica } = this.#parts.council;
    const addresses = dialledBy(this.#self, headsOf(replica)) ?? this.#keys.joinedBy;
    this.#dials.set(addresses);
    if (this.#keys.joinedBy.length > 0 && addresses.length > 0)
      keepHeads(this.#base.spool, addresses).catch(this.#base.failed);
    this.#announce(this.#links.names());
  }

  /** A head that joined asks the leader for its users, and all that it needs to lead itself. */
  async #learnKeys(): Promise<void> {
    const { head } = this.#parts as Parts;
    while (!(this.#isOver || (await head.learnKeys())))
      await sleep(AGAIN_MS, undefined, { ref: false });
  }
}
