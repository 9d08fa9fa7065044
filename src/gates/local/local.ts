import { join } from 'node:path';
import type { Gate, Partition, PartitionOrder } from '../../actors/ports.ts';
import { diskFailed, errno } from '../../platform/disk.ts';
import { Failed, Malformed } from '../../protocol/errors.ts';
import { checkNames, isPartitionName, isPlainName } from '../names.ts';
import { checkOrder } from '../offers.ts';
import type { GateSetup } from '../setup.ts';
import { mustGoOn, type Turns, turns } from '../turns.ts';
import { pickAddresses } from './addresses.ts';
import { type Claim, Claims } from './claims.ts';
import { evictedOf, evictionOf, isTaken } from './eviction.ts';
import { type Machine, type MachineState, startMachine, stateOf } from './machine.ts';
import { killMachines, removePartition } from './removal.ts';
import { type LocalSettings, readSettings } from './settings.ts';

/** What all calls of one open site share. */
type Site = {
  readonly setup: GateSetup;
  readonly settings: LocalSettings;
  readonly claims: Claims;
  readonly inTurn: Turns;
};

/**
 * A site on this very machine: a cluster is one worker process a node, kept up by an init of its
 * own, so that it outlives the head like a machine elsewhere does. All that it knows is on the disk
 * under `<spool>/gates/<remote>/<partition>/`; a new head finds it by opening the site again. Heads
 * that share a machine must share the site's folder, or each of them has a site of its own.
 */
export async function openLocalGate(setup: GateSetup): Promise<Gate> {
  const settings = readSettings(setup.settings, `$.remotes.${setup.remote}`);
  if (process.platform !== 'linux')
    throw new Failed('impossible', 'a local gate needs Linux: it keeps its machines by /proc');
  if (!isPlainName(setup.remote))
    throw new Malformed('$.remotes', `a site cannot be named ${setup.remote}`);
  const folder = settings.folder || join(setup.spool, 'gates', setup.remote);
  const claims = new Claims(folder);
  const site: Site = { setup, settings, claims, inTurn: turns() };
  const guarded = <T>(doing: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> =>
    guard(`${doing} in`, folder, signal, work);
  await guarded('Opening the site', AbortSignal.any([]), () => claims.prepare());
  return {
    create: (order, signal) =>
      guarded('Making a partition', signal, () => create(site, order, signal)),
    find: (name, signal) =>
      guarded('Looking for a partition', signal, async () => {
        const claim = isPartitionName(name) ? await claims.read(name) : undefined;
        if (claim !== undefined) await evict(site, claim, signal);
        return claim && show(site, claim);
      }),
    remove: (id, signal) => guarded('Removing a partition', signal, () => remove(site, id, signal)),
    list: (signal) =>
      guarded('Listing partitions', signal, async () => {
        const shown = await Promise.all((await claims.all()).map((claim) => show(site, claim)));
        return shown.filter((partition) => partition !== undefined);
      }),
    flavors: (signal) => guarded('Listing flavors', signal, async () => settings.flavors),
    images: (signal) => guarded('Listing images', signal, async () => settings.images),
  };
}

/** What the disk or the system refuses is heard as `Failed` too. */
async function guard<T>(
  doing: string,
  folder: string,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  try {
    mustGoOn(signal);
    return await work();
  } catch (error) {
    throw errno(error) === '' ? error : diskFailed(error, folder, doing);
  }
}

function create(site: Site, order: PartitionOrder, signal: AbortSignal): Promise<Partition> {
  const { name, nodes, installation } = order;
  checkNames(name, nodes, installation);
  return site.inTurn(name, async () => {
    mustGoOn(signal);
    const { claims } = site;
    const claim = (await claims.read(name)) ?? (await site.inTurn('', () => claimNew(site, order)));
    if (claim.installation !== installation)
      throw new Failed('refused', `${name} belongs to the installation ${claim.installation}`);
    if (await claims.isCondemned(name))
      throw new Failed('releasing', `the former ${name} is being removed`);
    if (claim.doom === '') await startMachines(site, claim, order, signal);
    const partition = await show(site, claim);
    if (partition === undefined) throw new Failed('site_error', `${name} was taken away by hand`);
    return partition;
  });
}

/** Starts those that have not been; a machine that crashed stays as it is. */
async function startMachines(
  site: Site,
  claim: Claim,
  { bootstrap }: PartitionOrder,
  signal: AbortSignal,
): Promise<void> {
  const { heads, caFingerprint, tokens } = bootstrap;
  const { now } = site.setup;
  for (const machine of machinesOf(site, claim)) {
    mustGoOn(signal);
    if ((await stateOf(machine)) !== 'missing') continue;
    const token = Object.hasOwn(tokens, machine.node) ? tokens[machine.node] : undefined;
    if (token === undefined) throw new Failed('refused', `there is no token for ${machine.node}`);
    const given = { heads, caFingerprint, token };
    await startMachine(machine, claim.resources, given, site.setup, claim.readyAt - now());
  }
}

/** Claims are made one at a time, so that room and addresses are given away once. */
async function claimNew(site: Site, order: PartitionOrder): Promise<Claim> {
  const { settings, setup, claims } = site;
  const others = await claims.all();
  const offer = checkOrder(settings, order, others);
  const { name, nodes, job, owner, installation } = order;
  const addresses = pickAddresses(
    nodes.map((node) => `${installation}/${name}/${node}`),
    others.flatMap(({ machines }) => machines.map(({ address }) => address)),
  );
  const createdAt = setup.now();
  const claim: Claim = {
    version: 1,
    name,
    externalId: `${setup.remote}/${name}/${crypto.randomUUID()}`,
    job,
    owner,
    installation,
    flavor: offer.flavor.name,
    image: offer.image,
    resources: offer.flavor.resources,
    machines: nodes.map((node, at) => ({ node, address: addresses[at]! })),
    createdAt,
    readyAt: createdAt + settings.bootDelayMs,
    doom: setup.dice() < settings.failureRate ? settings.failureText : '',
    ...evictionOf(settings, setup.dice, createdAt + settings.bootDelayMs),
  };
  await claims.make(claim);
  return claim;
}

function remove(site: Site, externalId: string, signal: AbortSignal): Promise<void> {
  // The name in an id only says where to look; the claim found there must bear the whole id.
  const name = externalId.split('/')[1] ?? '';
  if (!isPartitionName(name)) return Promise.resolve();
  return site.inTurn(name, async () => {
    mustGoOn(signal);
    const claim = await site.claims.read(name);
    if (claim?.externalId !== externalId) return;
    await removePartition(site.claims, claim, machinesOf(site, claim), signal);
  });
}

/** The machines of a partition whose time is over: whoever asks for it finds them taken. */
function evict(site: Site, claim: Claim, signal: AbortSignal): Promise<void> {
  if (!isTaken(claim, site.setup.now())) return Promise.resolve();
  return site.inTurn(claim.name, async () => {
    if ((await site.claims.read(claim.name))?.externalId !== claim.externalId) return;
    const machines = machinesOf(site, claim);
    const states = await Promise.all(machines.map(stateOf));
    if (states.includes('running')) await killMachines(machines, signal);
  });
}

function machinesOf({ claims }: Site, claim: Claim): readonly Machine[] {
  const { installation, name } = claim;
  const folder = claims.folderOf(name);
  return claim.machines.map(({ node, address }) => ({
    installation,
    partition: name,
    node,
    address,
    folder: join(folder, node),
  }));
}

/** Undefined: it went away while we looked. */
async function show(site: Site, claim: Claim): Promise<Partition | undefined> {
  const machines = machinesOf(site, claim);
  const states = await Promise.all(machines.map((machine) => stateOf(machine)));
  const crashed = machines.filter((_, at) => states[at] === 'crashed').map(({ node }) => node);
  const condemned = await site.claims.isCondemned(claim.name);
  if ((await site.claims.read(claim.name))?.externalId !== claim.externalId) return undefined;
  const [status, description] = judge(claim, states, crashed, condemned, site.setup.now());
  return {
    externalId: claim.externalId,
    name: claim.name,
    status,
    description,
    addresses: Object.fromEntries(claim.machines.map(({ node, address }) => [node, address])),
    installation: claim.installation,
    createdAt: claim.createdAt,
    ...(claim.isSpot && { evicted: evictedOf(claim, site.setup.now()) }),
  };
}

function judge(
  claim: Claim,
  states: readonly MachineState[],
  crashed: readonly string[],
  condemned: boolean,
  now: number,
): readonly [Partition['status'], string] {
  if (condemned) return ['deleting', 'its machines are being removed'];
  if (crashed.length > 0) return ['failed', `crashed: ${crashed.join(', ')}`];
  if (now < claim.readyAt) return ['creating', 'its machines are booting'];
  if (claim.doom !== '') return ['failed', claim.doom];
  if (states.includes('missing')) return ['creating', 'its machines are being made'];
  return ['succeeded', ''];
}
