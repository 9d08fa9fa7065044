import { lookup } from 'node:dns/promises';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import type { ContainerInspectInfo } from 'dockerode';
import type { Reached } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { INSTALLATION, workerOf } from './blueprint.ts';
import { type Engine, engineFailed, type FindEngine, statusOf } from './engine.ts';

/** What the container of an attempt has of networks. */
export type OwnNetwork = {
  readonly name: string;
  /** The address of the machine, by its number, at which `ports` are published. */
  readonly address: string;
  readonly ports: readonly number[];
};

/** Ensures what a container with a network of its own is made with. */
export type Networks = (record: string, reached: Reached) => Promise<OwnNetwork>;

/** Label of each network: the folder of records of the worker that made it. */
const RECORDS = 'swm.records';

/** Docker's, so that containers do not reach one another. Podman has none such. */
const APART = { 'com.docker.network.bridge.enable_icc': 'false' };

/**
 * A worker has one network at its engine for all containers that are to have none of the machine's:
 * engines have room for some thirty. Two calls at once would make two of one name.
 */
export function openNetworks(find: FindEngine, installation: string): Networks {
  const making = new Map<string, Promise<void>>();
  return async (record, { address, ports }) => {
    const name = workerOf(record);
    const made =
      making.get(name) ??
      ensure(await find(), name, {
        [INSTALLATION]: installation,
        [RECORDS]: dirname(record),
      }).finally(() => making.delete(name));
    making.set(name, made);
    await made;
    return { name, address: (await lookup(address)).address, ports };
  };
}

/** Engines differ in what they answer if there is one of that name, or make a second. */
async function ensure(
  { docker }: Engine,
  Name: string,
  Labels: Readonly<Record<string, string>>,
): Promise<void> {
  const abortSignal = AbortSignal.timeout(limits.engineMs);
  const filters = { label: [`${RECORDS}=${Labels[RECORDS]}`] };
  if ((await docker.listNetworks({ filters, abortSignal })).length > 0) return;
  try {
    await docker.createNetwork({ Name, Driver: 'bridge', Options: APART, Labels, abortSignal });
  } catch (error) {
    if (statusOf(error) === undefined) throw error;
    const { text } = engineFailed(error, 'the container engine cannot make a network').failure;
    const mend = 'mend that, or let containers have the node’s: containers.network';
    throw new Failed('start_failed', `${text}; ${mend}`);
  }
}

/** Where a container is reached from its machine, if it has such a network. */
export const addressIn = ({ NetworkSettings }: ContainerInspectInfo): string | undefined =>
  Object.values(NetworkSettings.Networks)
    .map(({ IPAddress }) => IPAddress)
    .find((address) => address !== '');

/** Removes those of workers that are no more. */
export async function sweepNetworks({ docker }: Engine, installation: string): Promise<void> {
  const filters = { label: [`${INSTALLATION}=${installation}`] };
  for (const { Id, Labels = {} } of await docker.listNetworks({ filters })) {
    if (existsSync(Labels[RECORDS] ?? '')) continue;
    try {
      await docker.getNetwork(Id).remove();
    } catch (error) {
      // It is gone by now, or has a container that is yet to be removed.
      if (statusOf(error) === undefined) throw error;
    }
  }
}
