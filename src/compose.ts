import { common, headFamilies, workerFamilies } from './actors/families.ts';
import { observed } from './actors/feed.ts';
import { controlTree, doorTree, workerTree } from './actors/tree.ts';
import type { Config } from './config.ts';
import { enrolHead, enrolWorker } from './enrol.ts';
import { type Head, openHead } from './head.ts';
import { dialHeads } from './mesh.ts';
import { openBlobs } from './platform/blobs.ts';
import { openBulk } from './platform/bulk.ts';
import { systemClock } from './platform/clock.ts';
import { openLinks } from './platform/links.ts';
import type { Spool } from './platform/spool.ts';
import { openStore } from './platform/store.ts';
import { message } from './protocol/messages.ts';
import { control } from './protocol/ref.ts';
import { nactCells } from './runtime/cell.ts';
import type { Families } from './runtime/family.ts';
import { Node } from './runtime/node.ts';
import type { Clock, Note, Store } from './runtime/ports.ts';
import type { SupervisorArgs } from './runtime/supervisor.ts';
import { carrierOf, workerStreams } from './streams.ts';
import { VERSION } from './version.ts';
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
  /** Cancels all jobs and waits until their clusters are gone. */
  clear(): Promise<void>;
  close(): Promise<void>;
};

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

const HELLO_AGAIN_MS = 1_000;

/** Builds a node of the roles that its configuration gives it, and starts it. */
export async function compose(setup: Setup): Promise<Running> {
  const { spool, config, note, giveUp } = setup;
  const isHead = config.roles.includes('head');
  const clock = systemClock();
  const onBroken = ({ text }: { readonly text: string }): void => giveUp(text);
  const blobs = await openBlobs(spool.places.blobs);
  const nodeStore = await openStore(spool.places.nodeStore, { onBroken });
  const controlStore = isHead ? await openStore(spool.places.controlStore, { onBroken }) : nothing;
  const { store, feed } = observed(controlStore);

  let node: Node | undefined;
  const theNode = (): Node => node as Node;
  let head: Head | undefined;
  let worker: Worker | undefined;
  const bulk = openBulk(
    (hub) => (isHead ? head?.serve(hub) : workerStreams(hub, theNode(), worker)),
    note,
  );
  const links = openLinks({
    note,
    receive: (who, envelope) => theNode().routes.receive(who, envelope),
    onUp: (peer) => (isHead ? head?.linked(peer) : hello(theNode(), config, clock)),
    onDown: (peer, why) => {
      theNode().routes.unlinked(peer.name);
      head?.unlinked(peer, why);
    },
  });
  const leader = (): string | undefined => (isHead ? config.name : links.names()[0]);
  const carrier = carrierOf(isHead, blobs, () => bulk.hub(leader() ?? ''));
  if (config.roles.includes('worker'))
    worker = await openWorker({ config, spool, blobs, carrier, clock, note });

  const families: Record<string, Families[string]> = { ...common };
  const parts = { spool, config, note, clock, store, feed, blobs, links, bulk, node: theNode };
  if (isHead) {
    head = await openHead({ ...parts, keys: await enrolHead(spool, config), worker });
    Object.assign(families, headFamilies(head.ports, store));
  }
  if (worker) Object.assign(families, workerFamilies(worker.ports));
  const cells = nactCells(config.name);
  const stores = { control: store, node: nodeStore };
  const platform = { clock, cells, stores, wire: links.wire, note, leader };
  node = new Node(config.name, families, platform);

  const trees: readonly SupervisorArgs[] = [
    ...(worker ? [workerTree(nodeStore)] : []),
    ...(isHead
      ? [
          controlTree({
            store,
            remotes: config.remotes.map(({ name }) => name),
            relocate: config.jobs.relocate,
          }),
          doorTree(),
        ]
      : []),
  ];
  const roots = trees.map((tree) => theNode().open('supervisor', '', tree, fell(giveUp)));
  const keys = isHead ? undefined : await enrolWorker(spool, config);
  const dialled = keys === undefined ? [] : dialHeads({ links, bulk, clock, note }, keys);
  await head?.listen();
  if (isHead && worker) hello(node, config, clock);

  return {
    url: head?.url() ?? `swm://${keys?.heads[0] ?? ''}`,
    clear: async () => head?.clear(),
    close: async () => {
      await head?.close();
      for (const kept of dialled) kept.close('the node is stopping');
      bulk.close('the node is stopping');
      links.closeAll('the node is stopping');
      for (const root of roots.toReversed()) root.halt('the node is stopping');
      worker?.close();
      await controlStore.close();
      await nodeStore.close();
    },
  };
}

/** A tree that fell is not put up again by anybody: the node ends, and its init starts it anew. */
const fell =
  (giveUp: (why: string) => void) =>
  ({ crashed, why }: { readonly crashed: boolean; readonly why: string }): void => {
    if (crashed) giveUp(`the tree of actors fell: ${why}`);
  };

/** Tells the registry what this node is and has, until it was heard. */
function hello(node: Node, config: Config, clock: Clock): void {
  const { name, address } = config;
  const body = { node: name, address, resources: resourcesOf(config), version: VERSION };
  const who = { door: 'local', id: `node ${name}` } as const;
  const to = control(`/nodes/${name}`);
  node.routes.ask(to, message('node.hello', body), HELLO_AGAIN_MS * 5, who, (answer) => {
    if (!answer.ok && answer.failure.retry)
      clock.timer(HELLO_AGAIN_MS, () => hello(node, config, clock));
    if (!answer.ok)
      node.platform.note('warn', '/nodes', `hello was not heard: ${answer.failure.text}`);
  });
}
