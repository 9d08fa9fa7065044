import type { VirtualMachine } from '@azure/arm-compute';
import type { Partition } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { addressPlace } from './bodies.ts';
import { isMissing } from './faults.ts';
import { type Group, groupName, partitionOf, tagNames } from './group.ts';
import { type Site, together } from './site.ts';
import { addressIn } from './subnet.ts';

/** A machine of a group that the site knows. */
export type Seen = {
  readonly node: string;
  readonly name: string;
  /** Its number in the cluster, from 0. */
  readonly rank: number;
  readonly state: string;
};

/** The machines of a partition that were ordered; a list of the site's, which may lag. */
export async function machinesOf(
  { arm }: Site,
  { partition }: Group,
  signal: AbortSignal,
): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  try {
    const { virtualMachines } = arm.compute;
    for await (const each of virtualMachines.list(groupName(partition), { abortSignal: signal }))
      seen.push(readMachine(each));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
  return seen.filter(({ node }) => node !== '').toSorted((a, b) => a.rank - b.rank);
}

function readMachine({ name = '', tags = {}, provisioningState = '' }: VirtualMachine): Seen {
  const rank = Number(/-(\d+)$/.exec(name)?.[1] ?? 0);
  return { node: tags[tagNames.node] ?? '', name, rank, state: provisioningState };
}

/** How a partition is, as its site tells of its machines. */
export async function lookAt(site: Site, group: Group, signal: AbortSignal): Promise<Partition> {
  const { subscription } = site.settings;
  const tell = async (
    status: Partition['status'],
    description: string,
    machines: readonly Seen[] = [],
    evicted: readonly string[] = [],
  ): Promise<Partition> => {
    const addresses = await addressesOf(site, group, machines, signal);
    return partitionOf(subscription, group, { status, description, addresses, evicted });
  };
  if (group.state === 'Deleting') return tell('deleting', 'its machines are being removed');
  const seen = site.seenUp.get(group.birth);
  const now = site.setup.now();
  if (seen !== undefined && now - seen.at < site.settings.pace.watchMs) return seen.partition;
  const machines = await machinesOf(site, group, signal);
  const settled = machines.filter(({ state }) => ['Succeeded', 'Failed'].includes(state));
  const isWhole = machines.length >= group.nodes && settled.length === machines.length;
  const asked = isWhole ? machines : machines.filter(({ state }) => state === 'Failed');
  const faults = await faultsOf(site, group, asked, signal);
  if (faults.length > 0) {
    const text = faults.map(({ node, why }) => `${node}: ${why}`).join('; ');
    const evicted = faults.flatMap(({ node, why }) => (why === OFF ? [node] : []));
    return tell('failed', text, [], evicted);
  }
  if (isWhole) {
    const partition = await tell('succeeded', '', machines);
    site.seenUp.set(group.birth, { partition, at: now });
    return partition;
  }
  return tell('creating', `${settled.length} of ${group.nodes} machines are there`);
}

/** How machines are reached by whoever needs them: the head that dials in, or each other. */
async function addressesOf(
  site: Site,
  group: Group,
  machines: readonly Seen[],
  signal: AbortSignal,
): Promise<Partition['addresses']> {
  const { dialIn, publicAddress } = site.settings;
  if (dialIn === 'out' || !publicAddress)
    return Object.fromEntries(
      machines.map(({ node, rank }) => [node, addressIn(group.network, rank)]),
    );
  const rows: [string, string][] = [];
  await together(signal, machines, async ({ node, name, rank }, given) => {
    const key = `${group.birth}/${rank}`;
    const known = site.addresses.get(key) ?? (await askAddress(site, group, name, given));
    site.addresses.set(key, known);
    rows.push([node, known]);
  });
  return Object.fromEntries(rows.toSorted());
}

async function askAddress(
  { arm, settings }: Site,
  { partition }: Group,
  machine: string,
  signal: AbortSignal,
): Promise<string> {
  const { path, apiVersion } = addressPlace(settings, partition, machine);
  const { properties = {} } = await arm.resources.resources.getById(path, apiVersion, {
    abortSignal: signal,
  });
  const address = properties['ipAddress'];
  if (typeof address === 'string' && address !== '') return address;
  throw new Failed('site_error', `Azure does not say which public address ${machine} has`);
}

type Fault = { readonly rank: number; readonly node: string; readonly why: string };

/** What is wrong with machines, in the site's words. */
async function faultsOf(
  { arm }: Site,
  { partition }: Group,
  machines: readonly Seen[],
  signal: AbortSignal,
): Promise<readonly Fault[]> {
  const faults: Fault[] = [];
  await together(signal, machines, async ({ node, name, rank, state }, given) => {
    const { virtualMachines } = arm.compute;
    try {
      const view = await virtualMachines.instanceView(groupName(partition), name, {
        abortSignal: given,
      });
      const why = faultOf(view.statuses ?? [], state);
      if (why !== '') faults.push({ rank, node, why });
    } catch (error) {
      if (!isMissing(error)) throw error;
      faults.push({ rank, node, why: 'it was taken away' });
    }
  });
  return faults.toSorted((a, b) => a.rank - b.rank);
}

type Status = { readonly code?: string; readonly level?: string; readonly message?: string };

const OFF = 'it was evicted, or switched off';
const off = new Set(['PowerState/deallocated', 'PowerState/deallocating', 'PowerState/stopped']);

function faultOf(statuses: readonly Status[], state: string): string {
  const error = statuses.find(({ level, code = '' }) => level === 'Error' || /\/failed/.test(code));
  if (error !== undefined) {
    const code = error.code?.split('/').at(-1) ?? '';
    return [code, error.message ?? 'it failed, and Azure does not say why'].join(': ');
  }
  if (state === 'Failed') return 'it failed, and Azure does not say why';
  return statuses.some(({ code = '' }) => off.has(code)) ? OFF : '';
}
