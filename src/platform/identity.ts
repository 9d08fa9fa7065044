import type { X509Certificate } from 'node:crypto';

export type Role = 'head' | 'worker';

/** A person or a program that uses swm; `id` is the UUID under which the registry knows it. */
export type UserIdentity = { readonly kind: 'user'; readonly id: string; readonly name: string };

export type NodeIdentity = {
  readonly kind: 'node';
  readonly role: Role;
  readonly name: string;
  /** The id of the installation that the node belongs to. */
  readonly installation: string;
};

/** Who a certificate speaks for. Whether it is believed, and admitted, is decided elsewhere. */
export type Identity = UserIdentity | NodeIdentity;

/** A node's name or an installation's id: safe in a URI, a path and a log line as it stands. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
export const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The URI among a node certificate's alternative names that says which node it is. */
export const nodeUri = (node: Omit<NodeIdentity, 'kind'>): string =>
  `swm://${node.installation}/node/${node.role}/${node.name}`;

/**
 * Reads who a certificate is for, without judging who signed it. Nodes are known by their URI,
 * users by the subject attribute 2.5.29.17, which holds their UUID. A certificate that claims to
 * be both, or two of either, or an authority, is nobody's.
 */
export function identify(certificate: X509Certificate): Identity | undefined {
  if (certificate.ca) return undefined;
  const uris = alternativeNames(certificate.subjectAltName ?? '')
    .filter(({ kind, value }) => kind === 'URI' && value.startsWith('swm:'))
    .map(({ value }) => value);
  const subject = certificate.toLegacyObject().subject as unknown as Subject | undefined;
  const id = subject?.['subjectAltName'];
  if (uris.length === 1 && id === undefined) return nodeOf(uris[0]!);
  if (uris.length > 0 || typeof id !== 'string') return undefined;
  if (!uuidPattern.test(id.toLowerCase())) return undefined;
  const name = subject?.['CN'];
  return { kind: 'user', id: id.toLowerCase(), name: typeof name === 'string' ? name : '' };
}

/** For people: logs, refusals, the reasons of closed links. */
export const showIdentity = (identity: Identity): string =>
  identity.kind === 'node'
    ? `${identity.role} ${identity.name}`
    : `user ${identity.name} (${identity.id})`;

/**
 * Takes apart Node's text of the alternative names. A value with a comma or a quote in it comes as
 * a JSON string, so that no DNS name can pretend to be a further entry.
 */
export function alternativeNames(
  text: string,
): readonly { readonly kind: string; readonly value: string }[] {
  const entry = /([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,"]*)(?:, |$)/y;
  const found: { kind: string; value: string }[] = [];
  while (entry.lastIndex < text.length) {
    const match = entry.exec(text);
    if (match === null) return [];
    const raw = match[2]!;
    found.push({ kind: match[1]!, value: raw.startsWith('"') ? String(JSON.parse(raw)) : raw });
  }
  return found;
}

/** An attribute that stands twice in a subject is given as an array. */
type Subject = Readonly<Record<string, string | readonly string[]>>;

const uriPattern = /^swm:\/\/([^/]+)\/node\/(head|worker)\/([^/]+)$/;

function nodeOf(uri: string): NodeIdentity | undefined {
  const match = uriPattern.exec(uri);
  if (match === null) return undefined;
  const [, installation, role, name] = match as unknown as [string, string, Role, string];
  if (!namePattern.test(installation) || !namePattern.test(name)) return undefined;
  return { kind: 'node', role, name, installation };
}
