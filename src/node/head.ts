import { dirname, join } from 'node:path';
import type { HeadPorts } from '../actors/families.ts';
import type { Feed } from '../actors/feed.ts';
import { keeping as nodeKeeping } from '../actors/node/keeping.ts';
import { unsweptSince } from '../actors/sweeper/keeping.ts';
import { controlTree } from '../actors/tree.ts';
import { auditedBy } from '../api/audited.ts';
import { openPaths, restDoor } from '../api/rest-door.ts';
import { terminalDoor } from '../api/terminal.ts';
import type { Config } from '../config.ts';
import { openAudit } from '../platform/audit.ts';
import type { DiskBlobs } from '../platform/blobs.ts';
import type { Bulk } from '../platform/bulk.ts';
import { writeFileDurably } from '../platform/disk.ts';
import { openCalls } from '../platform/gate-calls.ts';
import type { NodeIdentity } from '../platform/identity.ts';
import { keepPorts, openDoor, readPorts } from '../platform/kept-ports.ts';
import type { Links } from '../platform/links.ts';
import { listenMetrics, type MetricsPort } from '../platform/metrics-port.ts';
import { look } from '../platform/process/being.ts';
import type { Spool } from '../platform/spool.ts';
import type { Hub } from '../platform/streams.ts';
import { listenTerminals } from '../platform/terminals.ts';
import type { Latencies } from '../platform/timed-store.ts';
import type { Listening } from '../platform/tls-server.ts';
import { message, type Reply } from '../protocol/messages.ts';
import type { Node } from '../runtime/node.ts';
import type { Clock, LogLevel, Note, Store } from '../runtime/ports.ts';
import { load } from '../runtime/record.ts';
import type { SupervisorArgs } from '../runtime/supervisor.ts';
import { VERSION } from '../version.ts';
import { openBook, policyBy } from './book.ts';
import { clearAll } from './clear.ts';
import type { Copies } from './copies.ts';
import type { HeadKeys } from './enrol.ts';
import { headsOf, learnKeys, othersOf, unlessReplaced } from './group.ts';
import { type HeadParts, headPorts, isExpected, join as joinNode, signingOf } from './lent.ts';
import { listen } from './mesh.ts';
import { metricsOf } from './observe.ts';
import type { Council } from './seat.ts';
import { forwardsOf, nodeStreams, requestsOf, userStreams } from './streams.ts';
import { enrolUser, isInvited, openUsers } from './users.ts';
import type { Worker } from './worker.ts';

export type HeadSetup = {
  readonly spool: Spool;
  readonly config: Config;
  readonly note: Note;
  readonly level: LogLevel;
  readonly clock: Clock;
  readonly council: Council;
  readonly feed: Feed;
  readonly blobs: DiskBlobs;
  readonly copies: Copies;
  readonly links: Links;
  readonly bulk: Bulk;
  readonly keys: HeadKeys;
  readonly worker: Worker | undefined;
  readonly node: () => Node;
  /** How long its commits took so far. */
  readonly commits: () => Latencies;
};

export type Head = {
  readonly ports: HeadPorts;
  /** Says which streams another node may open here. */
  serve(hub: Hub): void;
  /** The registry hears that a node's link is lost. */
  unlinked(node: string, why: string): void;
  /** `host:port` by which nodes reach this head, and all of them. */
  ownAddresses(): Promise<readonly string[]>;
  addresses(): Promise<string[]>;
  /** Asks the leader for the authority's key and the users; resolves with whether it is known. */
  learnKeys(): Promise<boolean>;
  listen(): Promise<void>;
  url(): string;
  /** Cancels all jobs and removes what was made for them; resolves with what is left, or ''. */
  clear(signal: AbortSignal): Promise<string>;
  close(): Promise<void>;
};

/** The part of a node that is a head: its doors, and what its actors are lent. */
export async function openHead(setup: HeadSetup): Promise<Head> {
  const { spool, config, clock, council, node, keys } = setup;
  const { store } = council;
  const since = clock.now();
  const users = await openUsers(spool, store, setup.feed);
  const audit = openAudit(join(spool.places.log, 'audit.jsonl'), setup.note);
  const forwards = forwardsOf(setup);
  // Actors begin before the doors are open, and may want a machine at once.
  const meshPort = Promise.withResolvers<number>();
  let doors: Doors | undefined;

  const ownAddresses = (): Promise<readonly string[]> => advertised(config, meshPort.promise);
  const addresses = async (): Promise<string[]> => [
    ...(await ownAddresses()),
    ...othersOf(config.name, headsOf(store)),
  ];
  const lent: HeadParts = {
    ...setup,
    store,
    forwards,
    now: () => clock.now(),
    meshAddresses: addresses,
    meshDoor: async () => ({ host: ownHost(config), port: await meshPort.promise }),
    ...{ users, audit, calls: openCalls() },
    url: () => urlOf(config, doors?.terminals.port ?? 0),
    status: () => status(setup, since),
  };
  const ports = await headPorts(lent);

  return {
    ports,
    serve: (hub) => nodeStreams(setup, hub),
    unlinked: (name, why) => tellNode(node(), name, why),
    ownAddresses,
    addresses,
    learnKeys: async () => {
      const known = await learnKeys(node(), spool, keys);
      await users.look();
      return known;
    },
    async listen() {
      doors = await openDoors(setup, lent);
      meshPort.resolve(doors.mesh.port);
      await writeNodeFile(setup, since, lent.url(), doors);
    },
    url: lent.url,
    clear(signal) {
      const processes = setup.worker?.ports.processes;
      return clearAll({ ...spool, node: node(), store, gates: ports.gates, processes }, signal);
    },
    async close() {
      await doors?.metrics?.close();
      await doors?.terminals.close();
      await doors?.mesh.close();
      await forwards.closeAll();
      audit.close();
    },
  };
}

type Doors = {
  readonly mesh: Listening;
  readonly terminals: Listening;
  readonly metrics: MetricsPort | undefined;
};

/** Opens the door for nodes and that for users, where they were before if no port is given. */
async function openDoors(setup: HeadSetup, lent: HeadParts): Promise<Doors> {
  const { spool, config, council, node, note } = setup;
  const { store } = council;
  const run = dirname(spool.places.nodeFile);
  const before = await readPorts(run);
  const mesh = await openDoor(
    config.mesh.port,
    before.mesh,
    (port) =>
      listen(
        setup,
        { ...config, mesh: { ...config.mesh, port } },
        setup.keys,
        (peer, key) => unlessReplaced(() => admit(council, peer, key), REPLACED),
        (request) => joinNode(lent, request),
        (request) => unlessReplaced(() => isExpected(store, request), false),
      ),
    note,
  );
  const { users, audit } = lent;
  const { isOperator } = users;
  const audited = auditedBy(audit.note, lent.now);
  const serve = userStreams(setup, { audited, noted: audit.note });
  const onTerminal = terminalDoor({ node: node(), isOperator, serve, audited });
  const metrics = metricsOf(setup, lent);
  const onRequest = restDoor({ ...requestsOf(setup, users), metrics, isOperator, audited });
  const openTerminals = (port: number): Promise<Listening> =>
    listenTerminals({
      ...config.terminals,
      port,
      credentials: setup.keys.credentials,
      admit: users.refusal,
      onNews: (then) => void setup.feed.users(then),
      onJoin: (request) => enrolUser(signingOf(lent), request),
      isExpected: (request) => unlessReplaced(() => isInvited(store, request), false),
      onTerminal,
      onRequest,
      openPaths,
      note,
    });
  const { port } = config.terminals;
  const terminals = await openDoor(port, before.terminals, openTerminals, note);
  await keepPorts(run, { mesh: mesh.port, terminals: terminals.port });
  return {
    mesh,
    terminals,
    metrics: config.metrics.port !== 0 ? await listenMetrics(config.metrics, metrics) : undefined,
  };
}

const urlOf = ({ terminals, address }: Config, port: number): string =>
  `https://${dialled(terminals.host, address)}:${port}`;

const advertised = async (
  { mesh, address }: Config,
  port: Promise<number>,
): Promise<readonly string[]> =>
  mesh.advertise.length > 0 ? mesh.advertise : [`${dialled(mesh.host, address)}:${await port}`];

const ownHost = ({ mesh }: Config): string => dialled(mesh.host, '127.0.0.1');

const REPLACED = 'the records are being replaced: try again';

/** A listener on all addresses is dialled at the node's own. */
const dialled = (host: string, address: string): string =>
  host === '0.0.0.0' || host === '::' ? address : host;

/**
 * Who may connect is what the registry says now, whatever a certificate said once. A name may be
 * used again: only the key that its token was spent on speaks for its bearer.
 */
function admit(
  { store, lead }: Council,
  { name, role }: NodeIdentity,
  keyFingerprint: string,
): string | undefined {
  const known = load(store, nodeKeeping, `/nodes/${name}`)?.state;
  // While nobody leads this head, it may have been away when that one was added: the log will tell
  // it so over this link.
  if (known === undefined && role === 'head' && lead.leader === '') return undefined;
  if (known === undefined) return `no node ${name} is known here`;
  if (known.phase === 'gone') return `node ${name} was removed`;
  if (known.role !== role) return `node ${name} is no ${role}`;
  if (role === 'worker' && known.publicKey !== keyFingerprint)
    return `node ${name} has joined with another key, or not yet`;
  return undefined;
}

const tellNode = (node: Node, name: string, why: string): void =>
  node.routes.tell(
    { node: node.name, path: `/nodes/${name}` },
    message('node.link', { node: name, up: false, why: why.slice(0, 1024) }),
    { door: 'local', id: 'links' },
  );

function status(setup: HeadSetup, since: number): Reply<'node.status'> {
  const { spool, config, council, links, node } = setup;
  const { store } = council;
  const { role, leader, term, applied, committed, members, lastSnapshotAt } =
    council.replica.status();
  const isHere = (name: string): boolean => name === config.name || links.has(name);
  return {
    node: config.name,
    version: VERSION,
    installation: spool.installation,
    since,
    ...{ role, leader, term, applied, committed },
    voters: members.voters.length,
    reachable: members.voters.filter(isHere).length,
    snapshotAt: lastSnapshotAt,
    actors: node().routes.size,
    rssBytes: process.memoryUsage.rss(),
    trouble: [...spool.warnings, ...unsweptTrouble(store)],
  };
}

function unsweptTrouble(store: Store): readonly string[] {
  const since = unlessReplaced(() => unsweptSince(store), 0);
  if (since === 0) return [];
  const at = new Date(since).toISOString();
  return [`no site is swept since the restore of ${at}: see swm sweep`];
}

/** Tells commands of this machine where the node is, and by what it is known to live. */
async function writeNodeFile(
  { spool, config }: HeadSetup,
  startedAt: number,
  url: string,
  { mesh, terminals }: Doors,
): Promise<void> {
  const file = {
    pid: process.pid,
    startTicks: look(process.pid)?.start ?? 0,
    startedAt,
    name: config.name,
    installation: spool.installation,
    url,
    terminal: { host: dialled(config.terminals.host, config.address), port: terminals.port },
    mesh: { host: dialled(config.mesh.host, config.address), port: mesh.port },
  };
  await writeFileDurably(spool.places.nodeFile, `${JSON.stringify(file, null, 2)}\n`);
}

/** The control tree of a head that leads. */
export function treeOf(config: Config, store: Store): SupervisorArgs {
  const { relocate, retentionMs } = config.jobs;
  const founder = { name: config.name, address: '' };
  const names = config.remotes.map((remote) => remote.name);
  const policy = policyBy(openBook(config, store), config.scheduler);
  return controlTree({ store, founder, remotes: names, relocate, retentionMs, policy });
}
