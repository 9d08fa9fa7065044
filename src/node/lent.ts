import { createHash, createHmac, randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import type { HeadPorts } from '../actors/families.ts';
import { outTarget } from '../actors/job/out-target.ts';
import { keeping as nodeKeeping } from '../actors/node/keeping.ts';
import type { Gate } from '../actors/ports.ts';
import type { Reading } from '../actors/session/read.ts';
import type { Forwards } from '../actors/ways.ts';
import type { Config } from '../config.ts';
import { openGate } from '../gates/gates.ts';
import type { Audit } from '../platform/audit.ts';
import type { DiskBlobs } from '../platform/blobs.ts';
import { readRequest, signRequest } from '../platform/certificates.ts';
import { nextTick } from '../platform/cron.ts';
import { derivedUuid } from '../platform/derived-uuid.ts';
import { freeBytes } from '../platform/disk.ts';
import type { Calls } from '../platform/gate-calls.ts';
import type { JoinAnswer, JoinRequest } from '../platform/join.ts';
import type { Links } from '../platform/links.ts';
import type { OutRules } from '../platform/out-rules.ts';
import { sealBy } from '../platform/seal.ts';
import type { Spool } from '../platform/spool.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { type Message, message, type Reply } from '../protocol/messages.ts';
import type { Node } from '../runtime/node.ts';
import type { Clock, Millis, Note, Records, Store } from '../runtime/ports.ts';
import { load } from '../runtime/record.ts';
import { ask } from './ask.ts';
import {
  adminsBy,
  budgetsBy,
  checkBook,
  configuredBook,
  notifiedBy,
  openBook,
  outsBy,
} from './book.ts';
import type { Copies } from './copies.ts';
import { reachable } from './elsewhere.ts';
import type { HeadKeys } from './enrol.ts';
import { groupPorts, headRows, headsOf, tokenSecret } from './group.ts';
import { notifyPorts } from './notify-ports.ts';
import type { Council } from './seat.ts';
import { sitesBy } from './sites.ts';
import { inviteUser, peopleOf, type Signing, type Users } from './users.ts';

export type HeadParts = {
  readonly config: Config;
  readonly spool: Spool;
  readonly store: Store;
  readonly blobs: DiskBlobs;
  readonly keys: HeadKeys;
  readonly copies: Copies;
  readonly council: Council;
  readonly links: Links;
  readonly clock: Clock;
  readonly forwards: Forwards;
  readonly now: () => Millis;
  /** The node, once it is there: ports are made before it. */
  readonly node: () => Node;
  /** `host:port` by which nodes reach this head, once its door for them is open. */
  readonly meshAddresses: () => Promise<readonly string[]>;
  /** Where that door is on this machine itself. */
  readonly meshDoor: () => Promise<{ readonly host: string; readonly port: number }>;
  readonly note: Note;
  readonly users: Users;
  readonly audit: Audit;
  /** Where terminals find this head. */
  readonly url: () => string;
  readonly status: () => Reply<'node.status'>;
  readonly calls: Calls;
};

/** What starts a worker on this machine: this very program. */
const workerCommand = (): readonly string[] => [
  process.execPath,
  ...process.execArgv,
  process.argv[1] ?? '',
  'start',
];

/** Opens the sites that the config names. Throws `Failed` naming the one that does not fit. */
async function openGates(setup: HeadParts): Promise<ReadonlyMap<string, Gate>> {
  const gates = new Map<string, Gate>();
  const folder = await reachable(setup.spool);
  const { user, path, logBytesMax } = setup.config.jobs;
  for (const remote of setup.config.remotes)
    gates.set(
      remote.name,
      setup.calls.around(
        remote.name,
        await openGate(remote.kind, {
          remote: remote.name,
          settings: remote,
          spool: folder,
          workerCommand: workerCommand(),
          workerConfig: { jobs: { user, path, logBytesMax } },
          head: setup.config.name,
          mesh: setup.meshDoor,
          note: setup.note,
          credentials: setup.keys.credentials,
          now: setup.now,
          dice: Math.random,
        }),
      ),
    );
  return gates;
}

/** All that the actors of a head are lent. */
export async function headPorts(setup: HeadParts): Promise<HeadPorts> {
  const { config, spool, store, blobs, copies, council, keys, forwards } = setup;
  const gates = await openGates(setup);
  const configured = configuredBook(config);
  checkBook(configured);
  const book = openBook(config, store);
  const asked = (path: string, question: Message, ms?: number) =>
    ask(setup.node(), path, question, ms);
  const group = { ...setup, self: config.name, replica: council.replica, ask: asked };
  return {
    store,
    forwards,
    gates,
    sites: sitesBy(config.remotes, book),
    budgets: budgetsBy(book),
    isAdmin: adminsBy(book),
    configured,
    checkBook,
    installation: spool.installation,
    seal: sealBy(() => keys.authority().key),
    // Bound to cluster, stay and node: the same for whoever asks again, and for no other.
    token: (cluster, round, node) =>
      createHmac('sha256', tokenSecret(keys))
        .update(`${cluster}\n${round}\n${node}`)
        .digest('base64url'),
    hash: sha256,
    bootstrap: async () => ({
      heads: await setup.meshAddresses(),
      caFingerprint: keys.caFingerprint,
    }),
    jobId: (owner, key) => (key === undefined ? randomUUID() : derivedUuid(`${owner}\n${key}`)),
    digest: sha256,
    nextTick,
    hasBlob: (blob) => copies.bring(blob),
    readBlob: async (blob) => ((await copies.bring(blob)) ? readWhole(blobs, blob) : missing(blob)),
    keepBlob: (bytes) => keep(copies, bytes),
    checked: async (spec, owner) =>
      (await asked(
        '/scheduler',
        message('scheduler.check', { spec, owner }),
      )) as Reply<'scheduler.check'>,
    checkOut: checkOut(outsBy(book)),
    ...notifyPorts(setup, notifiedBy(book)),
    closed: closedWhenFull(spool.path),
    turn: () => turn(),
    get retentionMs() {
      return book().global.jobs.retentionMs;
    },
    get walltimeMs() {
      return book().global.jobs.walltimeMs;
    },
    get leaseMs() {
      return book().global.jobs.leaseMs;
    },
    ...readingPorts(setup, asked),
    ...groupPorts(group),
    inviteUser: (name, role) => inviteUser(group, name, role),
    people: peopleOf(signingOf(setup), config.name),
  };
}

const checkOut =
  (rules: OutRules): HeadPorts['checkOut'] =>
  async (spec, from) => {
    const { host, submitter } = outTarget(spec, from);
    await rules.addressOf(host, submitter);
  };

/** What sessions read besides the records. */
function readingPorts(
  { config, council, keys, status }: HeadParts,
  asked: (path: string, question: Message, ms?: number) => Promise<object>,
): Omit<Reading, 'store' | 'readBlob' | 'people' | 'configured' | 'checkBook' | 'isAdmin'> {
  return {
    reasons: async (ids) => {
      const body = await asked('/scheduler', message('scheduler.why', { ids: [...ids] }));
      return (body as Reply<'scheduler.why'>).reasons;
    },
    foresee: async (body) => {
      const question = message('scheduler.foresee', body);
      return (await asked('/scheduler', question, limits.foreseeMs)) as Reply<'scheduler.foresee'>;
    },
    offers: async () =>
      (await asked('/scheduler', message('scheduler.offers', {}))) as Reply<'scheduler.offers'>,
    remotes: config.remotes.map(({ name, kind, flavor = '', image = '' }) => ({
      name,
      kind,
      defaultFlavor: flavor,
      defaultImage: image,
    })),
    current: () => council.current(),
    now: () => council.replica.now(),
    appliedAt: () => council.appliedAt(),
    heads: () => headRows(council),
    backup: async () => {
      await council.current();
      const { sha256, bytes, index, at } = await council.replica.backup();
      return { sha256, bytes, index, at, installation: keys.installation };
    },
    status,
  };
}

/** What it takes to give users certificates. */
export const signingOf = (setup: HeadParts): Signing => ({
  ...setup,
  current: () => setup.council.current(),
  ask: (path, question) => ask(setup.node(), path, question),
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

async function readWhole(blobs: DiskBlobs, blob: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of blobs.read(blob, 0)) parts.push(part);
  return Buffer.concat(parts);
}

function missing(blob: string): never {
  throw new Failed('not_found', `no head that can be reached has the blob ${blob}`);
}

async function keep(
  { store }: Copies,
  bytes: Uint8Array,
): Promise<{ sha256: string; bytes: number }> {
  const blob = createHash('sha256').update(bytes).digest('hex');
  const writer = await store.writer(blob, bytes.byteLength);
  await writer.write(bytes.subarray(writer.offset));
  await writer.finish();
  return { sha256: blob, bytes: bytes.byteLength };
}

/** Looks at the disk now and then, not at every submit. */
function closedWhenFull(path: string): () => string {
  let text = '';
  const look = async (): Promise<void> => {
    try {
      const free = await freeBytes(path);
      text =
        free >= limits.diskReserveBytes
          ? ''
          : `the disk of ${path} has ${Math.floor(free / 2 ** 20)} MiB left, and swm keeps ` +
            `${limits.diskReserveBytes / 2 ** 20} MiB for running jobs: free some space`;
    } catch (error) {
      text = `the disk of ${path} cannot be looked at: ${(error as Error).message}`;
    }
  };
  void look();
  setInterval(() => void look(), 1_000).unref();
  return () => text;
}

/** Signs the request of a node that the registry expects, for the name that it expects. */
export async function join(setup: HeadParts, request: JoinRequest): Promise<JoinAnswer> {
  const { keys, store } = setup;
  const { keyFingerprint: publicKey } = await readRequest(request.csr);
  const question = message('node.join', {
    node: request.name,
    tokenHash: sha256(request.token),
    publicKey,
  });
  const body = await ask(setup.node(), `/nodes/${request.name}`, question).catch((error) => {
    if (error instanceof Failed && error.failure.code === 'not_found')
      throw new Failed('unauthorized', `no node ${request.name} is expected`);
    throw error;
  });
  const { role } = body as Reply<'node.join'>;
  const certificate = await signRequest(keys.authority(), request.csr, {
    kind: 'node',
    role,
    name: request.name,
    installation: keys.installation,
    hosts: role === 'head' ? hostsOfHead(store, request.name) : [request.name],
  });
  return { certificate, chain: keys.chain };
}

/** Names and addresses that a head may be dialled by, as far as others know. */
function hostsOfHead(store: Records, name: string): readonly string[] {
  const address = headsOf(store).find((head) => head.name === name)?.address ?? '';
  const host = address.replace(/:\d+$/, '').replaceAll(/[[\]]/g, '');
  return [...new Set([name, 'localhost', '127.0.0.1', '::1', ...(host === '' ? [] : [host])])];
}

/** Whether the registry has given out that token for that name. */
export const isExpected = (store: Records, { name, token }: JoinRequest): boolean =>
  load(store, nodeKeeping, `/nodes/${name}`)?.state.tokenHash === sha256(token);
