import { common, headFamilies, workerFamilies } from '../actors/families.ts';
import { observed } from '../actors/feed.ts';
import { controlTree, doorTree, workerTree } from '../actors/tree.ts';
import type { Config } from '../config.ts';
import { openBlobs } from '../platform/blobs.ts';
import { openBulk } from '../platform/bulk.ts';
import { systemClock } from '../platform/clock.ts';
import { openLinks } from '../platform/links.ts';
import type { Spool } from '../platform/spool.ts';
import { openStore } from '../platform/store.ts';
import { message } from '../protocol/messages.ts';
import { control } from '../protocol/ref.ts';
import { nactCells } from '../runtime/cell.ts';
import { Node } from '../runtime/node.ts';
import type { Clock, Note, Store } from '../runtime/ports.ts';
import type { SupervisorArgs } from '../runtime/supervisor.ts';
import { VERSION } from '../version.ts';
import { leave } from './elsewhere.ts';
import { enrolHead, enrolWorker } from './enrol.ts';
import { type Head, openHead } from './head.ts';
import { dialHeads } from './mesh.ts';
import { carrierOf, workerStreams } from './streams.ts';
import { openWorker, resourcesOf, type Worker } from './worker.ts';

export type Setup = {
  readonly spool: Spool;
  readonly config: Config;
  readonly note: Note;
  /** Called when the node cannot go on, with the reason. */
  readonly giveUp: (why: string) => void;
};

export type Running = {
  /** Where terminals find it, or the head that it belongs to. */
  readonly url: string;
  /** Cancels all jobs and removes what was made for them; resolves with what is left, or ''. */
  clear(signal: AbortSignal): Promise<string>;
  close(): Promise<void>;
};

/** What a node of any role stands on. What needs the node itself asks for it when it is there. */
type Ground = Awaited<ReturnType<typeof ground>>;

const STOPPING = 'the node is stopping';
const HELLO_AGAIN_MS = 1_000;

/** Builds a node of the roles that its configuration gives it, and starts it. */
export async function compose(setup: Setup): Promise<Running> {
  const { spool, config, note } = setup;
  const base = await ground(setup);
  if (config.roles.includes('worker')) base.worker = await openWorker({ ...setup, ...base });
  if (base.isHead) {
    const keys = await enrolHead(spool, config);
    const { worker } = base;
    base.head = await openHead({ ...setup, ...base, worker, keys, node: () => base.node as Node });
  }
  const node = makeNode(setup, base);
  base.node = node;
  const roots = trees(setup, base).map((tree) =>
    node.open('supervisor', '', tree, ({ crashed, why }) => {
      // A tree that fell is not put up again by anybody: whoever started the node starts it anew.
      if (crashed) setup.giveUp(`the tree of actors fell: ${why}`);
    }),
  );
  const keys = base.isHead ? undefined : await enrolWorker(spool, config);
  const dialled = keys === undefined ? [] : dialHeads({ ...base, note }, keys);
  await base.head?.listen();
  if (base.isHead && base.worker) hello(node, config, base.clock, () => base.over === true);
  return {
    url: base.head?.url() ?? `swm://${keys?.heads[0] ?? ''}`,
    clear: async (signal) => (await base.head?.clear(signal)) ?? '',
    async close() {
      base.over = true;
      await base.head?.close();
      for (const kept of dialled) kept.close(STOPPING);
      base.bulk.close(STOPPING);
      base.links.closeAll(STOPPING);
      for (const root of roots.toReversed()) root.halt(STOPPING);
      base.worker?.close();
      await Promise.all([base.store.close(), base.nodeStore.close()]);
      await leave(spool);
    },
  };
}

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

async function ground({ spool, config, note, giveUp }: Setup) {
  const isHead = config.roles.includes('head');
  const onBroken = ({ text }: { readonly text: string }): void => giveUp(text);
  const clock = systemClock();
  const blobs = await openBlobs(spool.places.blobs);
  const nodeStore = await openStore(spool.places.nodeStore, { onBroken });
  const kept = isHead ? await openStore(spool.places.controlStore, { onBroken }) : nothing;
  const { store, feed } = observed(kept);
  const later: { node?: Node; head?: Head; worker?: Worker | undefined; over?: boolean } = {};
  const node = (): Node => later.node as Node;
  const bulk = openBulk((hub) => {
    if (isHead) later.head?.serve(hub);
    else workerStreams(hub, node(), later.worker);
  }, note);
  const links = openLinks({
    note,
    receive: (who, envelope) => node().routes.receive(who, envelope),
    onUp: () => {
      if (!isHead) hello(node(), config, clock, () => later.over === true);
    },
    onDown: (peer, why) => {
      node().routes.unlinked(peer.name);
      later.head?.unlinked(peer, why);
    },
  });
  const leader = (): string | undefined => (isHead ? config.name : links.names()[0]);
  const carrier = carrierOf(isHead, blobs, () => bulk.hub(leader() ?? ''));
  const parts = { isHead, clock, blobs, nodeStore, store, feed, bulk, links, leader, carrier };
  return Object.assign(later, parts);
}

function makeNode({ config, note }: Setup, base: Ground): Node {
  const { clock, store, nodeStore, links, leader, head, worker } = base;
  const families = {
    ...common,
    ...(head ? headFamilies(head.ports, store) : {}),
    ...(worker ? workerFamilies(worker.ports, nodeStore) : {}),
  };
  const stores = { control: store, node: nodeStore };
  const cells = nactCells(config.name);
  return new Node(config.name, families, { clock, cells, stores, wire: links.wire, note, leader });
}

/** The workers' tree first: whoever gives orders finds those who take them. */
function trees({ config }: Setup, base: Ground): readonly SupervisorArgs[] {
  const { store, nodeStore, worker, isHead } = base;
  const remotes = config.remotes.map(({ name }) => name);
  const { relocate, retentionMs } = config.jobs;
  return [
    ...(worker ? [workerTree(nodeStore, config.name)] : []),
    ...(isHead ? [controlTree({ store, remotes, relocate, retentionMs }), doorTree()] : []),
  ];
}

/** Tells the registry what this node is and has, until it was heard. */
function hello(node: Node, config: Config, clock: Clock, isOver: () => boolean): void {
  const { name, address } = config;
  const body = { node: name, address, resources: resourcesOf(config), version: VERSION };
  const who = { door: 'local', id: `node ${name}` } as const;
  const to = control(`/nodes/${name}`);
  node.routes.ask(to, message('node.hello', body), HELLO_AGAIN_MS * 5, who, (answer) => {
    if (answer.ok || isOver()) return;
    node.platform.note('warn', '/nodes', `hello was not heard: ${answer.failure.text}`);
    if (answer.failure.retry)
      clock.timer(HELLO_AGAIN_MS, () => isOver() || hello(node, config, clock, isOver));
  });
}
