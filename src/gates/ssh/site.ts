import { Failed } from '../../protocol/errors.ts';
import type { Base } from '../bootstrap/attach.ts';
import type { Attachments } from '../bootstrap/attachments.ts';
import type { Machine } from '../bootstrap/machine.ts';
import type { GateSetup } from '../setup.ts';
import type { Turns } from '../turns.ts';
import type { Hosts } from './hosts.ts';
import { type Lease, placeOf } from './lease.ts';
import type { Host, SshSettings } from './settings.ts';

/** What all calls of one open site share. */
export type Site = {
  readonly setup: GateSetup;
  readonly settings: SshSettings;
  readonly hosts: Hosts;
  readonly attachments: Attachments;
  readonly base: Base;
  readonly inTurn: Turns;
  /** Hosts of which nothing is known since they were looked at last. */
  readonly dark: Set<Host>;
};

/** Ids of hosts that the id of a partition names, in the order of its nodes. */
export const idsIn = (externalId: string): readonly string[] =>
  externalId.split('/')[3]?.split('.') ?? [];

/** Throws `Failed` for a host that the config has no more: nobody knows what is on it. */
export function hostOf({ settings }: Site, id: string): Host {
  const host = settings.hosts.find((each) => each.id === id);
  if (host !== undefined) return host;
  throw new Failed(
    'site_error',
    `host ${id} of it is not in the configuration any more: put it back, ` +
      'with `lost: true` if it is no more',
  );
}

/** A leased host as the machine that it is for its partition. */
export const machineOf = (
  { hosts, setup }: Site,
  host: Host,
  lease: Pick<Lease, 'externalId' | 'installation' | 'name' | 'node'>,
): Machine => ({
  place: hosts.placeOf(host),
  directory: host.directory,
  folder: placeOf(host, lease),
  mark: `${lease.installation}/${lease.name}/${lease.node}`,
  config: { ...setup.workerConfig, resources: host.resources },
});
