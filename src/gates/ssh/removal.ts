import { clearMachine } from '../bootstrap/machine.ts';
import { isPartitionName } from '../names.ts';
import { mustGoOn } from '../turns.ts';
import { condemnLease, dropLease, readLease } from './lease.ts';
import type { Host } from './settings.ts';
import { hostOf, idsIn, machineOf, type Site } from './site.ts';

/**
 * Removes a partition from all of its hosts; those that do not answer keep it from being gone. The
 * lease of each goes last, so that whoever is cut off here can begin again.
 */
export async function remove(site: Site, externalId: string, signal: AbortSignal): Promise<void> {
  mustGoOn(signal);
  const name = externalId.split('/')[1] ?? '';
  const ids = idsIn(externalId);
  if (!isPartitionName(name) || ids.length === 0) return;
  site.attachments.drop(`${name}/`);
  await site.inTurn(externalId, () => clearAll(site, ids, externalId));
  mustGoOn(signal);
}

async function clearAll(site: Site, ids: readonly string[], externalId: string): Promise<void> {
  const ends = await Promise.allSettled(
    ids.map(async (id) => clearHost(site, hostOf(site, id), externalId)),
  );
  for (const end of ends) if (end.status === 'rejected') throw end.reason;
}

async function clearHost(site: Site, host: Host, externalId: string): Promise<void> {
  if (host.isLost) return;
  await site.hosts.use(host, async (session) => {
    const held = await readLease(session, host);
    // It has been given back, and may be another's by now.
    if (held?.lease.externalId !== externalId) return;
    await condemnLease(session, host);
    await clearMachine(session, machineOf(site, host, held.lease));
    await dropLease(session, host, externalId);
  });
}
