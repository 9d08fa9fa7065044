import type { Config } from '../config.ts';
import type { Bulk } from '../platform/bulk.ts';
import type { NodeIdentity } from '../platform/identity.ts';
import type { JoinAnswer, JoinRequest } from '../platform/join.ts';
import type { Link, Purpose } from '../platform/link.ts';
import type { Links } from '../platform/links.ts';
import { listenMesh } from '../platform/mesh.ts';
import type { Listening } from '../platform/tls-server.ts';
import type { Clock, Note } from '../runtime/ports.ts';
import type { HeadKeys } from './enrol.ts';

export type MeshParts = {
  readonly links: Links;
  readonly bulk: Bulk;
  readonly clock: Clock;
  readonly note: Note;
};

export const taking =
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
