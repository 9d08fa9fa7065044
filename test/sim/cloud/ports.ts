import type { HeadPorts } from '../../../src/actors/families.ts';
import type { GroupPorts } from '../../../src/actors/group/tasks.ts';
import type { Gate } from '../../../src/actors/ports.ts';
import type { Forwards } from '../../../src/actors/ways.ts';
import type { Change } from '../../../src/consensus/events.ts';
import { headRows, headsOf, othersOf } from '../../../src/node/group.ts';
import { type Council, readable } from '../../../src/node/seat.ts';
import type { ChangeOutcome, Replica } from '../../../src/platform/replica/replica-port.ts';
import { Failed } from '../../../src/protocol/errors.ts';
import { message, type Reply } from '../../../src/protocol/messages.ts';
import { plainBook } from '../../actors/books.ts';
import type { Life } from '../node.ts';
import type { World } from '../world.ts';
import { addressOf } from './dials.ts';
import type { HeadSetup } from './head.ts';
import { sha256 } from './joining.ts';
import { askOf } from './seat.ts';

export const INSTALLATION = 'installation';
export const REMOTE = 'cloud';
/** Nodes that were given to us: they belong to the cluster of that name. */
export const STANDING = 'here';

/** The same owner and key find the same job. */
export function jobId(owner: string, key: string): string {
  const hex = sha256(`${owner}\n${key}`);
  const ends = [8, 12, 16, 20, 32];
  return ends.map((end, n) => hex.slice(n === 0 ? 0 : ends[n - 1], end)).join('-');
}

/** What the actors of a head are lent, on a site that lives longer than it. */
export function portsOf(setup: HeadSetup, life: Life, council: Council): HeadPorts {
  const { world, name, site, clustersMax, cpusMax } = setup;
  const { store } = council;
  return {
    store,
    forwards: forwards(world, life),
    gates: new Map([[REMOTE, guarded(setup, site.gate(), life)]]),
    sites: new Map([
      [
        REMOTE,
        { clustersMax, cpusMax, defaultFlavor: 'small', defaultImage: 'host', keepMs: 120_000 },
      ],
    ]),
    budgets: new Map([['lab', 0.05]]),
    isAdmin: () => false,
    configured: plainBook,
    checkBook: () => {},
    installation: INSTALLATION,
    token: (cluster, round, node) => `${cluster}/${round}/${node}`,
    hash: sha256,
    bootstrap: async () => ({
      heads: [addressOf(name), ...othersOf(name, headsOf(store))],
      caFingerprint: sha256('ca'),
    }),
    // Nothing that is played has secrets.
    seal: { shut: (_owner, _name, text) => text, open: (_owner, _name, sealed) => sealed },
    jobId: (owner, key = '') => jobId(owner, key),
    digest: sha256,
    nextTick: (_, __, after) => after + 60_000,
    hasBlob: async () => false,
    readBlob: async () => new Uint8Array(0),
    keepBlob: async (bytes) => ({ sha256: sha256(''), bytes: bytes.byteLength }),
    checked: async (spec, owner) => {
      const question = message('scheduler.check', { spec, owner });
      const answer = await life.whileAlive(() => askOf(world, life, '/scheduler', question));
      return answer as Reply<'scheduler.check'>;
    },
    checkOut: async () => {},
    checkNotify: async () => {},
    post: async () => {},
    reasons: async () => ({}),
    closed: () => '',
    now: () => council.replica.now(),
    appliedAt: () => council.appliedAt(),
    foresee: unasked,
    turn: async () => {},
    offers: async () => ({ flavors: [], images: [] }),
    remotes: [],
    current: () => life.whileAlive(() => council.current()),
    heads: () => headRows(council),
    backup: unasked,
    status: unasked,
    people: { rows: () => [], renew: unasked, audit: unasked },
    ...groupPorts(setup, life, council.replica),
  };
}

const unasked = (): never => {
  throw new Failed('refused', 'nobody asks here');
};

/** As a real head does it, without keys. */
function groupPorts({ world, network, name: self }: HeadSetup, life: Life, replica: Replica) {
  const ports: GroupPorts = {
    invite: async (name, role, round) => {
      const token = `${role}/${round}/${name}`;
      const expiresAt = life.clock.now() + 86_400_000;
      const body = { node: name, cluster: STANDING, role, tokenHash: sha256(token), expiresAt };
      await askOf(world, life, `/nodes/${name}`, message('node.expect', body));
      const others = headsOf(replica).filter((h) => h.phase !== 'leaving' && h.name !== name);
      return {
        heads: others.map(({ address }) => address),
        caFingerprint: sha256('ca'),
        token,
        name,
      };
    },
    inviteUser: async () => unasked(),
    admit: async (name, signal) => {
      for (;;) {
        const isHere = name === self || network.isLinked(self, name);
        if (isHere && (await hasVote(replica, name))) return;
        await pause(world, signal);
      }
    },
    dismiss: async (name, signal) => {
      while (!(await isOut(replica, name))) await pause(world, signal);
      await askOf(world, life, `/nodes/${name}`, message('node.remove', { node: name }));
      network.cut(self, name, 'reset', 0);
    },
    voters: async () => replica.status().members.voters,
    transfer: async (to) => {
      const { members, peers } = replica.status();
      const others = members.voters.filter((n) => n !== self && network.isLinked(self, n));
      const matched = (name: string): number => peers.find((p) => p.name === name)?.matched ?? 0;
      const best = others.toSorted((a, b) => matched(b) - matched(a) || (a < b ? -1 : 1))[0];
      const chosen = to === '' ? best : others.find((name) => name === to);
      if (chosen === undefined) throw new Failed('refused', 'no other head is here to lead');
      life.clock.timer(50, () => replica.transfer(chosen, () => {}));
      return chosen;
    },
    keys: async () => unasked(),
    decided: async () => {
      if (await readable(replica)) return replica.status().applied;
      throw new Failed('unreachable', `${self} does not lead`, true);
    },
  };
  const { whileAlive } = life;
  return {
    ...ports,
    invite: (name, role, round) => whileAlive(() => ports.invite(name, role, round)),
    admit: (name, signal) => whileAlive(() => ports.admit(name, signal)),
    dismiss: (name, signal) => whileAlive(() => ports.dismiss(name, signal)),
    decided: () => whileAlive(() => ports.decided()),
  } satisfies GroupPorts;
}

const AGAIN_MS = 500;

const pause = (world: World, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    world.clock.timer(AGAIN_MS, () => {
      if (signal.aborted) reject(new Failed('timeout', 'given up'));
      else resolve();
    });
  });

const changed = (replica: Replica, change: Change): Promise<ChangeOutcome> =>
  new Promise((resolve) => replica.change(change, resolve));

async function hasVote(replica: Replica, name: string): Promise<boolean> {
  const { voters, learners } = replica.status().members;
  if (voters.includes(name)) return true;
  await changed(replica, { do: learners.includes(name) ? 'promote' : 'add', node: name });
  return replica.status().members.voters.includes(name);
}

async function isOut(replica: Replica, name: string): Promise<boolean> {
  const { voters, learners } = replica.status().members;
  if (!voters.includes(name) && !learners.includes(name)) return true;
  await changed(replica, { do: 'remove', node: name });
  return false;
}

/** The dead make no calls, and hear no answers; what they called goes on. */
function guarded({ world, faults, attach }: HeadSetup, gate: Gate, life: Life): Gate {
  const crash = (): void => {
    if (world.dice.chance(faults().siteCrash)) life.crash('on', 'at a call to the site');
  };
  const called = <T>(call: () => Promise<T>): Promise<T> =>
    life.whileAlive(() => {
      const answer = call();
      crash();
      return answer.finally(crash);
    });
  return {
    create: (order, signal) => called(() => gate.create(order, signal)),
    find: (name, signal) => called(() => gate.find(name, signal)),
    remove: (id, signal) => called(() => gate.remove(id, signal)),
    list: (signal) => called(() => gate.list(signal)),
    flavors: (signal) => called(() => gate.flavors(signal)),
    images: (signal) => called(() => gate.images(signal)),
    ...(attach && {
      attach: (order, told, signal) =>
        life.whileAlive(() => attach(order, life.guard(told), signal)),
    }),
  };
}

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
