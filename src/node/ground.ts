import { type Lead, refusal } from '../actors/lead.ts';
import type { Config } from '../config.ts';
import { openBlobs } from '../platform/blobs.ts';
import { systemClock } from '../platform/clock.ts';
import type { Links } from '../platform/links.ts';
import type { Spool } from '../platform/spool.ts';
import { openStore } from '../platform/store.ts';
import type { Envelope } from '../protocol/envelope.ts';
import { message } from '../protocol/messages.ts';
import type { Resources } from '../protocol/model.ts';
import { control } from '../protocol/ref.ts';
import type { Who } from '../protocol/who.ts';
import type { Actor } from '../runtime/actor.ts';
import type { Node } from '../runtime/node.ts';
import type { LogLevel, Note } from '../runtime/ports.ts';
import type { SupervisorArgs } from '../runtime/supervisor.ts';
import { VERSION } from '../version.ts';
import { resourcesOf } from './worker.ts';

export type Setup = {
  readonly spool: Spool;
  readonly config: Config;
  readonly note: Note;
  /** How much of it is kept. */
  readonly level: LogLevel;
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

/** What a node of any role stands on. */
export type Ground = Awaited<ReturnType<typeof openGround>>;

export async function openGround(setup: Setup) {
  const onBroken = ({ text }: { readonly text: string }): void => setup.giveUp(text);
  return {
    ...setup,
    onBroken,
    /** For what should never fail and is waited for by nobody. */
    failed: (error: unknown): void =>
      setup.giveUp(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    clock: systemClock(),
    blobs: await openBlobs(setup.spool.places.blobs),
    nodeStore: await openStore(setup.spool.places.nodeStore, { onBroken }),
  };
}

/** A tree that fell is not put up again by anybody: whoever started the node starts it anew. */
export const openTree = (node: Node, tree: SupervisorArgs, giveUp: Setup['giveUp']): Actor =>
  node.open('supervisor', '', tree, ({ crashed, why }) => {
    if (crashed) giveUp(`the tree of actors fell: ${why}`);
  });

/**
 * Answers an order that came from a head that does not lead; false for whatever may come in. A head
 * that has just come to lead may be ahead of its news: it may ask again.
 */
export function isRefused(links: Links, lead: Lead, who: Who, envelope: Envelope): boolean {
  const why = refusal(lead, who, envelope);
  if (why === undefined || envelope.is !== 'call') return false;
  const { ask } = envelope;
  if (ask !== 0) links.wire.send(who.id, { is: 'refused', ask, failure: { ...why, retry: true } });
  return true;
}

/** What jobs may have of a node that runs none. */
const NOTHING: Resources = { cpus: 0, memoryBytes: 0, gpus: 0 };

const HELLO_AGAIN_MS = 200;
const HELLO_MS = 5_000;

/** Tells the registry what this node is and has, until it was heard. */
export function hello(node: Node, ground: Ground, isOver: () => boolean): void {
  const { config, clock } = ground;
  const { name, address } = config;
  const body = {
    node: name,
    address,
    resources: config.roles.includes('worker') ? resourcesOf(config) : NOTHING,
    version: VERSION,
    ...(config.labels.length > 0 && { labels: config.labels }),
  };
  const who = { door: 'local', id: `node ${name}` } as const;
  const to = control(`/nodes/${name}`);
  node.routes.ask(to, message('node.hello', body), HELLO_MS, who, (answer) => {
    if (answer.ok || isOver()) return;
    node.platform.note('warn', '/nodes', `hello was not heard: ${answer.failure.text}`);
    if (answer.failure.retry)
      clock.timer(HELLO_AGAIN_MS, () => isOver() || hello(node, ground, isOver));
  });
}
