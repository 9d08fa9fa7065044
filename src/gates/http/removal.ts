import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import { pause } from './creation.ts';
import { type PartitionSaid, statusOf } from './replies.ts';
import { list, lookUp, put, type Site } from './site.ts';

/**
 * Removes a partition, and waits until the site says that there is none. What it answers to the
 * removal itself proves nothing: it has only begun then, and one that is asked twice may fail.
 */
export async function remove(site: Site, externalId: string, signal: AbortSignal): Promise<void> {
  await site.machines.drop(nameFor(site, externalId));
  const answer = await put(site, 'DELETE', `partitions/${pathOf(externalId)}`, signal);
  if (answer.is === 'unsent') throw answer.failed;
  const until = site.now() + limits.createMsMax;
  // What is new may not be seen yet, and is not removed then by a removal that failed.
  let isKnown = answer.is === 'good' || !(await isNew(site, externalId));
  for (let ms: Millis = limits.gateLookMsMin; ; ms = Math.min(2 * ms, limits.gateLookMsMax)) {
    const left = await lookUpId(site, externalId, signal);
    if (left === undefined && isKnown) return forget(site, externalId);
    isKnown ||= left !== undefined;
    if (answer.is !== 'good' && (left === undefined || statusOf(left) !== 'deleting'))
      throw answer.is === 'missing'
        ? new Failed('site_error', answer.failed.message)
        : answer.failed;
    if (site.now() >= until)
      throw new Failed('timeout', `${externalId} is still there, and was to be removed`);
    await pause(ms, signal);
  }
}

/** An id that begins with a slash follows another one: services count on both. */
function pathOf(externalId: string): string {
  const isSafe = /^[\w./:@~+=-]{1,1000}$/.test(externalId);
  if (!isSafe || externalId.split('/').some((part) => part === '.' || part === '..'))
    throw new Failed('impossible', `${JSON.stringify(externalId)} is no id of a partition`);
  return externalId;
}

/** The partition of that id, looked for by its name where that is known. */
async function lookUpId(
  site: Site,
  externalId: string,
  signal: AbortSignal,
): Promise<PartitionSaid | undefined> {
  const isIt = ({ id }: PartitionSaid): boolean => id.toLowerCase() === externalId.toLowerCase();
  const name = nameFor(site, externalId);
  if (name === '') return (await list(site, signal)).find(isIt);
  const found = await lookUp(site, name, signal);
  return found !== undefined && isIt(found) ? found : undefined;
}

/** Some ids end with the name of what the cloud keeps the partition in. */
const nameIn = (externalId: string): string | undefined =>
  /\/([^/]+)-resource-group$/i.exec(externalId)?.[1];

const nameFor = (site: Site, externalId: string): string =>
  site.seen.get(externalId)?.name ?? nameIn(externalId) ?? '';

/** Whether it was made so lately that the service may not see it yet. */
async function isNew(site: Site, externalId: string): Promise<boolean> {
  const posted = await site.posted.read(nameFor(site, externalId));
  return posted?.externalId === externalId && site.now() < posted.until;
}

/** The order of a successor that has its name already is kept. */
async function forget(site: Site, externalId: string): Promise<void> {
  const name = nameFor(site, externalId);
  site.seen.delete(externalId);
  if ((await site.posted.read(name))?.externalId === externalId) await site.posted.forget(name);
}
