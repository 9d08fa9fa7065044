import { Failed } from '../../protocol/errors.ts';
import { isMissing } from './faults.ts';
import { type Group, groupName, readExternalId } from './group.ts';
import { findGroup, nextLook, type Site, unsettled } from './site.ts';

const FORCED = 'Microsoft.Compute/virtualMachines';

/**
 * Removes the group that was born under this id, and resolves when the site shows it no more. A
 * group of the same name that bears no tags of ours, or those of another birth, is left alone.
 */
export async function remove(site: Site, externalId: string, signal: AbortSignal): Promise<void> {
  const id = readExternalId(site.settings.subscription, externalId);
  if (id === undefined) return;
  const { partition, birth } = id;
  const { pace } = site.settings;
  site.attachments.drop(`${partition}/`);
  await site.inTurn(partition, async () => {
    let deletedAt: number | undefined;
    for (;;) {
      const group = await ownBirth(site, partition, birth, signal);
      if (group === undefined) return forget(site, birth);
      if (deletedAt === undefined && group.state !== 'Deleting') {
        await deleteGroup(site, partition, signal);
        site.recent.delete(partition);
        deletedAt = performance.now();
      } else if (deletedAt !== undefined && performance.now() - deletedAt > pace.settleMs)
        throw new Failed(
          'site_error',
          `Azure says that ${groupName(partition)} is gone, yet shows it`,
        );
      else await nextLook(site, signal);
    }
  });
}

/** Its addresses may be given to somebody else now. */
function forget({ addresses, seenUp }: Site, birth: string): void {
  seenUp.delete(birth);
  for (const key of addresses.keys()) if (key.startsWith(`${birth}/`)) addresses.delete(key);
}

/** The group, if it is still there and of that birth. What was just made may not be shown yet. */
async function ownBirth(
  site: Site,
  partition: string,
  birth: string,
  signal: AbortSignal,
): Promise<Group | undefined> {
  for (;;) {
    const found = await findGroup(site, partition, signal);
    if (found !== undefined)
      return found !== 'foreign' && found.birth === birth ? found : undefined;
    if (!unsettled(site).some((group) => group.birth === birth)) return undefined;
    await nextLook(site, signal);
  }
}

/** Machines are not asked to shut down first: whatever ran there is over. */
async function deleteGroup(site: Site, partition: string, signal: AbortSignal): Promise<void> {
  const { resourceGroups } = site.arm.resources;
  const options = { abortSignal: signal, updateIntervalInMs: site.settings.pace.pollMs };
  try {
    await resourceGroups.delete(groupName(partition), { ...options, forceDeletionTypes: FORCED });
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}
