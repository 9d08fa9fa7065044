import type { Partition } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { mustGoOn } from '../turns.ts';
import { type Held, readLease } from './lease.ts';
import type { Host, SshSettings } from './settings.ts';
import { idsIn, type Site } from './site.ts';

/** What was found on a host; `why` it is unknown. */
export type Look = {
  readonly host: Host;
  readonly held: Held | undefined;
  readonly why: Failed | undefined;
};

/**
 * What is on each host now, but those that are lost. Those that do not answer hide no others.
 * Throws if none answers: then nothing is known.
 */
export async function looks(site: Site, signal: AbortSignal): Promise<readonly Look[]> {
  mustGoOn(signal);
  const there = site.settings.hosts.filter(({ isLost }) => !isLost);
  const found = await Promise.all(there.map((host) => look(site, host)));
  mustGoOn(signal);
  const [first, ...others] = unknownOf(found);
  if (first?.why !== undefined && others.length + 1 === found.length) throw first.why;
  return found;
}

async function look(site: Site, host: Host): Promise<Look> {
  try {
    const held = await site.hosts.use(host, (session) => readLease(session, host));
    if (site.dark.delete(host)) tell(site, host, 'info', 'it answers again');
    return { host, held, why: undefined };
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    if (!site.dark.has(host))
      tell(site, host, 'warn', `what is on it is unknown: ${error.message}`);
    site.dark.add(host);
    return { host, held: undefined, why: error };
  }
}

const tell = ({ setup }: Site, host: Host, level: 'info' | 'warn', text: string): void =>
  setup.note(level, `/gates/${setup.remote}`, `host ${host.address}: ${text}`);

export const unknownOf = (found: readonly Look[]): readonly Look[] =>
  found.filter(({ why }) => why !== undefined);

/** The partitions that are on these hosts, as far as is known. */
export function partitionsOf(settings: SshSettings, found: readonly Look[]): readonly Partition[] {
  const ids = new Set(found.flatMap(({ held }) => (held ? [held.lease.externalId] : [])));
  return [...ids].map((id) => partitionOf(settings, id, found));
}

function partitionOf(settings: SshSettings, id: string, found: readonly Look[]): Partition {
  const mine = found.flatMap(({ held }) => (held?.lease.externalId === id ? [held] : []));
  const { lease } = mine[0] as Held;
  const hosts = idsIn(id).map((each) => settings.hosts.find((host) => host.id === each));
  const [status, description] = judge(hosts, mine, found, lease.nodes.length);
  return {
    externalId: id,
    name: lease.name,
    status,
    description,
    addresses: Object.fromEntries(lease.nodes.map((node, at) => [node, hosts[at]?.address ?? ''])),
    installation: lease.installation,
    createdAt: lease.createdAt,
  };
}

/** A host that cannot be looked at may have all that it should: nothing is said to be wrong. */
function judge(
  hosts: readonly (Host | undefined)[],
  mine: readonly Held[],
  found: readonly Look[],
  nodes: number,
): readonly [Partition['status'], string] {
  if (mine.some(({ isRemoving }) => isRemoving)) return ['deleting', 'its hosts are being cleared'];
  if (mine.length >= nodes) return ['succeeded', ''];
  const lost = hosts.find((host) => host?.isLost);
  if (lost !== undefined) return ['failed', `host ${lost.address} of it is lost`];
  const dark = unknownOf(found).find(({ host }) => hosts.includes(host));
  if (dark === undefined) return ['creating', 'its hosts are being taken'];
  return ['updating', `what is on ${dark.host.address} is unknown: ${dark.why?.message}`];
}
