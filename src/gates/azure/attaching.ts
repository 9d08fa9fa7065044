import { join } from 'node:path';
import type { Gate, MachineOrder, Resources } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { keepAttached } from '../bootstrap/attach.ts';
import type { Machine } from '../bootstrap/machine.ts';
import { isPlainName } from '../names.ts';
import { hostKeyOf } from './host-key.ts';
import { machinesOf } from './looking.ts';
import { noticesOf } from './notices.ts';
import { findGroup, type Site } from './site.ts';
import { addressIn } from './subnet.ts';

type Attach = NonNullable<Gate['attach']>;

/** Makes a machine a worker by SSH, and keeps its way to this head open. */
export function attachBy(site: Site): Attach {
  return async (order, told, given) => {
    const { partition, node } = order;
    const machine = await site.arm.within(
      `Looking for ${node}`,
      limits.azureQuestionMs,
      given,
      (s) => machineOf(site, order, s),
    );
    const keep = (tell: typeof told, end: AbortSignal): Promise<never> =>
      keepAttached(site.base, machine, order, tell, end);
    const facts = JSON.stringify([order, machine.config]);
    return site.attachments.hold(`${partition}/${node}`, facts, keep, told, given);
  };
}

/** The head dials its public address, while its worker is known by its private one. */
async function machineOf(
  site: Site,
  { partition, node, address, bootstrap }: MachineOrder,
  signal: AbortSignal,
): Promise<Machine> {
  const { settings, setup } = site;
  const { login: user, port, privateKeyFile: key } = settings.ssh;
  const token = Object.hasOwn(bootstrap.tokens, node) ? bootstrap.tokens[node] : undefined;
  if (token === undefined || !isPlainName(node))
    throw new Failed('refused', `there is no token for ${node}`);
  const group = await findGroup(site, partition, signal);
  const gone = new Failed('unreachable', `the site does not show ${node} of ${partition}`);
  if (group === undefined || group === 'foreign') throw gone;
  const seen = (await machinesOf(site, group, signal)).find((each) => each.node === node);
  if (seen === undefined) throw gone;
  const { known } = hostKeyOf(token);
  const { directory } = settings.worker;
  const resources = await resourcesOf(site, group.flavor, signal);
  return {
    place: {
      address,
      port,
      user,
      key,
      hostKeys: { known: async () => known, learn: async () => {} },
    },
    directory,
    folder: join(directory, node),
    mark: `${setup.remote}/${partition}/${node}`,
    config: {
      ...setup.workerConfig,
      ...noticesOf(settings, seen.name),
      address: addressIn(group.network, seen.rank),
      resources,
    },
  };
}

/** Where the size is offered no more, the worker takes what it finds. */
async function resourcesOf(site: Site, flavor: string, signal: AbortSignal): Promise<Resources> {
  const { offered } = await site.sizes(limits.offersMs, signal);
  const size = offered.find((each) => each.flavor === flavor);
  return size?.resources ?? { cpus: 0, memoryBytes: 0, gpus: 0 };
}
