import { redact } from '../../platform/redact.ts';
import type { ReplicaStatus } from '../../platform/replica/replica-port.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Actor } from '../../runtime/actor.ts';
import type { Keeping } from '../../runtime/family.ts';
import type { Node } from '../../runtime/node.ts';
import { load } from '../../runtime/record.ts';
import type { Answers } from './process.ts';
import { trace } from './trace.ts';

export type Sight = {
  readonly node: Node;
  /** The nodes that this one has a link to. */
  readonly links: () => readonly string[];
  /** Undefined on a node that is no head. */
  readonly raft: (() => ReplicaStatus) | undefined;
};

/** What can be looked at of a node as it is now: copies, of which secrets are left out. */
export const looks = ({ node, links, raft }: Sight): Answers =>
  new Map<string, (...args: readonly unknown[]) => unknown>([
    ['tree', (under = '') => listed(node, ({ path }) => path.startsWith(String(under)))],
    ['actor', (path) => lookAt(node, String(path))],
    ['mailboxes', () => listed(node, ({ waiting }) => waiting > 0).sort(fullest)],
    ['links', () => links().toSorted()],
    ['trace', (path, wanted) => trace(node, path, wanted)],
    ['raft', () => redact((raft ?? noHead(node))())],
    ['store.get', (path) => recordAt(node, String(path))],
  ]);

const noHead = ({ name }: Node): never => {
  throw new Failed('refused', `${name} is no head: it has no part in what heads agree on`);
};

/** The paths of living actors that go on from what was begun. */
export function pathsOf(node: Node, begun: string): readonly string[] {
  const found: string[] = [];
  for (const { path } of node.routes.living)
    if (path.startsWith(begun) && found.push(path) === limits.shellNamesMax) break;
  return found.toSorted();
}

type Row = {
  readonly path: string;
  readonly family: string;
  readonly phase: string;
  readonly mailbox: number;
};

const fullest = (one: Row, other: Row): number => other.mailbox - one.mailbox;

/** Of very many only the first, as they were born. */
function listed(node: Node, fits: (actor: Actor) => boolean): Row[] {
  const rows: Row[] = [];
  for (const actor of node.routes.living) {
    if (!fits(actor)) continue;
    rows.push(rowOf(node, actor));
    if (rows.length === limits.shellRowsMax) break;
  }
  return rows.sort((one, other) => (one.path < other.path ? -1 : 1));
}

const rowOf = (node: Node, { path, family, state, waiting }: Actor): Row => ({
  path,
  family: familyName(node, family),
  phase: state?.phase ?? '',
  mailbox: waiting,
});

const familyName = ({ families }: Node, family: Actor['family']): string =>
  Object.keys(families).find((name) => families[name] === family) ?? '';

function lookAt(node: Node, path: string): object {
  const actor = node.routes.find(path);
  if (actor === undefined)
    throw new Failed('not_found', `no actor lives at ${path} on ${node.name}`);
  return {
    ...rowOf(node, actor),
    questions: actor.asked.size,
    children: actor.children.size,
    crashes: crashesOf(node, path).map((at) => new Date(at).toISOString()),
    state: redact(actor.state),
  };
}

/** When it crashed lately; a supervisor counts all its children together. */
function crashesOf({ routes }: Node, path: string): readonly number[] {
  const at = path.lastIndexOf('/');
  const above = at < 0 ? undefined : routes.find(path.slice(0, at))?.state;
  const { crashes = [] } = (above ?? {}) as {
    readonly crashes?: readonly number[] | Readonly<Record<string, readonly number[]>>;
  };
  if (Array.isArray(crashes)) return crashes;
  return (crashes as Readonly<Record<string, readonly number[]>>)[path.slice(at + 1)] ?? [];
}

/** A record as it is kept, whether its actor lives or not. */
function recordAt(node: Node, path: string): unknown {
  const keeping = keepingOf(node, path);
  const { stores } = node.platform;
  const found = keeping && load(stores[keeping.scope], keeping, path);
  if (found === undefined) throw new Failed('not_found', `nothing is kept under ${path}`);
  return redact(found.state);
}

/** `/jobs/ID` is a `job`, and `/group` the `group`. */
function keepingOf({ families }: Node, path: string): Keeping<object> | undefined {
  const [, first = ''] = path.split('/');
  const { keeping } = families[first.replace(/s$/, '')] ?? families[first] ?? {};
  return keeping as Keeping<object> | undefined;
}
