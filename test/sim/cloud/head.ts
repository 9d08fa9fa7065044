import { createHash } from 'node:crypto';
import { common, type HeadPorts, headFamilies } from '../../../src/actors/families.ts';
import { keeping as nodeKeeping } from '../../../src/actors/node/keeping.ts';
import type { Forwards, Gate } from '../../../src/actors/ports.ts';
import { controlTree, doorTree } from '../../../src/actors/tree.ts';
import { Failed } from '../../../src/protocol/errors.ts';
import { limits } from '../../../src/protocol/limits.ts';
import { type Message, message, type Reply } from '../../../src/protocol/messages.ts';
import { control } from '../../../src/protocol/ref.ts';
import { load } from '../../../src/runtime/record.ts';
import type { MemorySite } from '../../ports/memory-gate.ts';
import type { Network } from '../network.ts';
import { type Faults, type Life, type NodePlan, SimNode } from '../node.ts';
import type { World } from '../world.ts';

export const HEAD = 'head';
export const INSTALLATION = 'installation';
export const REMOTE = 'cloud';
const founder = { name: HEAD, address: 'head:1' };

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The same owner and key find the same job. */
export function jobId(owner: string, key: string): string {
  const hex = sha256(`${owner}\n${key}`);
  return [8, 4, 4, 4, 12]
    .reduce<{ at: number; parts: string[] }>(
      ({ at, parts }, size) => ({ at: at + size, parts: [...parts, hex.slice(at, at + size)] }),
      { at: 0, parts: [] },
    )
    .parts.join('-');
}

export type HeadSetup = {
  readonly world: World;
  readonly network: Network;
  readonly site: MemorySite;
  readonly faults: () => Faults;
  readonly committed: NodePlan['committed'];
  readonly clustersMax: number;
  readonly cpusMax: number;
};

/** A head with the real control tree, on a site that lives longer than it. */
export function openHead(setup: HeadSetup): SimNode {
  const { world, network, faults, committed } = setup;
  return new SimNode(world, network, {
    name: HEAD,
    door: 'head',
    skewMs: world.dice.between(-2_000, 2_000),
    faults,
    families: (life) => ({ ...common, ...headFamilies(portsOf(setup, life), life.stores.control) }),
    boot: (life) => {
      const store = life.stores.control;
      life.open(controlTree({ store, founder, remotes: [REMOTE], relocate: 'when-full' }));
      life.open(doorTree());
    },
    leader: () => HEAD,
    admits: (life, name) => {
      const known = load(life.stores.control, nodeKeeping, `/nodes/${name}`)?.state;
      return known !== undefined && known.phase !== 'gone' && known.role === 'worker';
    },
    down: ({ node }, peer, why) => {
      const body = { node: peer, up: false, why };
      const who = { door: 'local', id: 'links' } as const;
      node.routes.tell(control(`/nodes/${peer}`), message('node.link', body), who);
    },
    restartMs: () => world.dice.skewed(100, 60_000),
    ...(committed ? { committed } : {}),
  });
}

function portsOf({ world, site, clustersMax, cpusMax }: HeadSetup, life: Life): HeadPorts {
  const store = life.stores.control;
  const impossible = async (question: Message): Promise<object> =>
    new Promise((resolve, reject) => {
      const who = { door: 'local', id: 'head' } as const;
      life.node.routes.ask(control('/scheduler'), question, limits.callMs, who, (answer) => {
        world.stir();
        if (answer.ok) resolve(answer.body);
        else reject(new Failed(answer.failure.code, answer.failure.text, answer.failure.retry));
      });
    });
  return {
    store,
    forwards: forwards(world, life),
    gates: new Map([[REMOTE, guarded(site.gate(), life)]]),
    sites: new Map([
      [REMOTE, { clustersMax, cpusMax, defaultFlavor: 'small', defaultImage: 'host' }],
    ]),
    installation: INSTALLATION,
    token: (cluster, round, node) => `${cluster}/${round}/${node}`,
    hash: sha256,
    bootstrap: async () => ({ heads: [HEAD], caFingerprint: sha256('ca') }),
    jobId: (owner, key = '') => jobId(owner, key),
    digest: sha256,
    hasBlob: async () => false,
    readBlob: async () => new Uint8Array(0),
    keepBlob: async (bytes) => ({ sha256: sha256(''), bytes: bytes.byteLength }),
    impossible: async (spec) =>
      ((await impossible(message('scheduler.check', { spec }))) as Reply<'scheduler.check'>)
        .impossible,
    reasons: async () => ({}),
    closed: () => '',
    offers: async () => ({ flavors: [], images: [] }),
    remotes: [],
    current: async () => {},
    heads: () => [],
    backup: unasked,
    status: unasked,
    invite: unasked,
    admit: unasked,
    dismiss: unasked,
    voters: async () => [HEAD],
    transfer: unasked,
    keys: unasked,
    decided: unasked,
  };
}

const unasked = (): never => {
  throw new Failed('refused', 'nobody asks here');
};

/** The dead make no calls, and hear no answers; what they called goes on. */
const guarded = (gate: Gate, { whileAlive }: Life): Gate => ({
  create: (order, signal) => whileAlive(() => gate.create(order, signal)),
  find: (name, signal) => whileAlive(() => gate.find(name, signal)),
  remove: (id, signal) => whileAlive(() => gate.remove(id, signal)),
  list: (signal) => whileAlive(() => gate.list(signal)),
  flavors: (signal) => whileAlive(() => gate.flavors(signal)),
  images: (signal) => whileAlive(() => gate.images(signal)),
});

/** Ports of jobs, on loopback addresses of this life of the head. */
function forwards(world: World, { whileAlive }: Life): Forwards {
  const open = new Set<string>();
  let last = 0;
  const takes = (): Promise<void> =>
    new Promise((resolve) => void world.clock.timer(world.dice.skewed(1, 50), resolve));
  return {
    free: () => whileAlive(() => takes().then(() => `127.77.${(++last >> 8) & 255}.${last & 255}`)),
    open: ({ job }) => whileAlive(() => takes().then(() => void open.add(job))),
    close: (job) => whileAlive(() => takes().then(() => void open.delete(job))),
  };
}
