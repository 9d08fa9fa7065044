import { setTimeout as pause } from 'node:timers/promises';
import type { Partition, PartitionOrder } from '../../actors/ports.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { Base } from '../bootstrap/attach.ts';
import type { Attachments } from '../bootstrap/attachments.ts';
import type { GateSetup } from '../setup.ts';
import type { Turns } from '../turns.ts';
import type { Arm } from './arm.ts';
import { isMissing, isUnseen } from './faults.ts';
import { type Group, groupName, readGroup } from './group.ts';
import type { AzureSettings } from './settings.ts';
import type { SizesOf } from './sizes.ts';

/**
 * What all calls of one open site share. It remembers for a moment what it made there, since Azure
 * may not show that at once; all else is at the site and nowhere else.
 */
export type Site = {
  readonly setup: GateSetup;
  readonly settings: AzureSettings;
  readonly arm: Arm;
  readonly sizes: SizesOf;
  /** In the form of `authorized_keys`. */
  readonly publicKey: string;
  readonly inTurn: Turns;
  readonly recent: Recent;
  /** Partitions that were seen to be up, by birth, and when. */
  readonly seenUp: Map<string, { readonly partition: Partition; readonly at: Millis }>;
  /** Public addresses that were found out, by birth and number of the machine: they stay. */
  readonly addresses: Map<string, string>;
  readonly base: Base;
  readonly attachments: Attachments;
};

/** Groups by their partition, and when they were made. */
export type Recent = Map<string, { readonly group: Group; readonly at: Millis }>;

/** What was made here so lately that the site may not show it yet. */
export function unsettled({ recent, settings, setup }: Site): readonly Group[] {
  const since = setup.now() - settings.pace.settleMs;
  for (const [partition, { at }] of recent) if (at < since) recent.delete(partition);
  return [...recent.values()].map(({ group }) => group);
}

/** The group of a partition; `foreign` is one of that name that is nobody's of swm. */
export async function findGroup(
  { arm }: Site,
  partition: string,
  signal: AbortSignal,
): Promise<Group | 'foreign' | undefined> {
  try {
    const { resourceGroups } = arm.resources;
    const found = await resourceGroups.get(groupName(partition), { abortSignal: signal });
    return readGroup(found) ?? 'foreign';
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/** All groups of swm at the site, whoever's they are. */
export async function listGroups({ arm }: Site, signal: AbortSignal): Promise<readonly Group[]> {
  const filter = "tagName eq 'swm-cluster'";
  const groups: Group[] = [];
  for await (const each of arm.resources.resourceGroups.list({ filter, abortSignal: signal })) {
    const group = readGroup(each);
    if (group !== undefined) groups.push(group);
  }
  return groups;
}

/** Waits until it is worth while to ask again. */
export const nextLook = ({ settings }: Site, signal: AbortSignal): Promise<void> =>
  pause(settings.pace.pollMs, undefined, { signal });

/** Tries again what fails because the site does not know yet of a group that was just made. */
export async function onceSeen<T>(
  site: Site,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const until = performance.now() + site.settings.pace.settleMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isUnseen(error) || performance.now() > until) throw error;
    }
    await nextLook(site, signal);
  }
}

/**
 * Does all of it side by side. The first failure gives the others up, and it is thrown once all
 * have ended: nothing goes on behind the back of whoever called.
 */
export async function together<T>(
  signal: AbortSignal,
  jobs: readonly T[],
  work: (job: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  let first: { readonly error: unknown } | undefined;
  const attempt = async (job: T): Promise<void> => {
    try {
      await work(job, either);
    } catch (error) {
      first ??= { error };
      over.abort();
    }
  };
  await Promise.all(jobs.map(attempt));
  if (first !== undefined) throw first.error;
}

/** The numbers of a partition's machines, from 0. */
export const ranksOf = ({ nodes }: Pick<PartitionOrder, 'nodes'>): readonly number[] =>
  nodes.map((_, at) => at);
