import type { Config } from '../config.ts';
import type { Bulk } from '../platform/bulk.ts';
import { dialMesh } from '../platform/dial.ts';
import type { NodeIdentity } from '../platform/identity.ts';
import type { JoinAnswer, JoinRequest } from '../platform/join.ts';
import type { Link, Purpose } from '../platform/link.ts';
import type { Links } from '../platform/links.ts';
import { listenMesh } from '../platform/mesh.ts';
import { type Kept, keepDialled } from '../platform/redial.ts';
import type { Listening } from '../platform/tls-server.ts';
import type { Clock, Note } from '../runtime/ports.ts';
import type { HeadKeys, WorkerKeys } from './enrol.ts';

export type MeshParts = {
  readonly links: Links;
  readonly bulk: Bulk;
  readonly clock: Clock;
  readonly note: Note;
};

const taking =
  ({ links, bulk }: MeshParts) =>
  (link: Link, purpose: Purpose): void =>
    purpose === 'bulk' ? bulk.take(link) : links.take(link);

/** A head's side: it listens, asks the registry about each who comes, and lets new ones join. */
export function listen(
  parts: MeshParts,
  config: Config,
  keys: HeadKeys,
  admit: (node: NodeIdentity, keyFingerprint: string) => string | undefined,
  onJoin: (request: JoinRequest) => Promise<JoinAnswer>,
  isExpected: (request: JoinRequest) => boolean,
): Promise<Listening> {
  return listenMesh({
    ...config.mesh,
    credentials: keys.credentials,
    admit,
    onLink: taking(parts),
    onJoin,
    isExpected,
    note: parts.note,
  });
}

/** A worker's side: it dials every head that it knows, for messages and for bulk, and keeps on. */
export function dialHeads(parts: MeshParts, { credentials, heads }: WorkerKeys): readonly Kept[] {
  const { clock, note } = parts;
  const take = taking(parts);
  const purposes: readonly Purpose[] = ['messages', 'bulk'];
  return heads.flatMap((address) =>
    purposes.map((purpose) =>
      keepDialled({
        dial: () => dialMesh({ address, credentials, purpose, expectRole: 'head', note }),
        clock,
        dice: Math.random,
        onLink: (link) => take(link, purpose),
        onLost: (why) => note('warn', '/links', `the link to ${address} is lost`, { why, purpose }),
        onFailed: ({ text }, failed, nextInMs) => {
          if (failed < 3 || failed % 20 === 0)
            note('warn', '/links', text, { purpose, failed, nextInMs });
        },
      }),
    ),
  );
}
