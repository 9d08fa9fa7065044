import type { Body, Name, Reply } from '../../src/protocol/messages.ts';
import { defaultPolicy } from '../../src/protocol/policy.ts';
import { arraySamples } from './array-messages.ts';
import { entrySamples } from './entry-messages.ts';
import { foresightSamples } from './foresight-messages.ts';
import { heraldSamples } from './herald-messages.ts';
import { reputeSamples } from './repute-messages.ts';
import { scheduleSamples } from './schedule-messages.ts';
import { userSamples } from './user-messages.ts';
import {
  at,
  blob,
  cluster,
  file,
  flavorRow,
  hash,
  id,
  imageRow,
  jobRow,
  jobView,
  lost,
  node,
  nodeRow,
  order,
  owner,
  placement,
  publicKey,
  remoteRow,
  report,
  resources,
  runner,
  script,
  spec,
} from './values.ts';

type Samples = { readonly [N in Name]: { readonly body: Body<N>; readonly reply: Reply<N> } };

const hold = { cluster, job: id, attempt: 2 };
const tokens = { tokenHash: hash };
const reply = {};
const place = { index: 9, term: 3 };
const invitation = { heads: ['10.0.0.1:10001'], caFingerprint: hash, token: 'secret', name: 'h2' };

/** Every message of the table, with its answer; the compiler asks for those that are missing. */
export const messageSamples: Samples = {
  ...entrySamples,
  ...userSamples,
  ...scheduleSamples,
  ...heraldSamples,
  ...arraySamples,
  ...foresightSamples,
  'job.submit': {
    body: {
      script,
      scriptBlob: blob,
      file: 'train.sh',
      inputs: [file],
      key: 'k-1',
      from: '10.1.2.3',
    },
    reply: { id },
  },
  'job.list': {
    body: { limit: 50, after: '000-1', states: 'QR', name: 'größer' },
    reply: { jobs: [jobRow, { ...jobRow, state: 'Q', phase: 'queued', nodes: [] }], next: '000-2' },
  },
  'job.show': { body: { id: id.slice(0, 8) }, reply: { job: jobView } },
  'job.cancel': { body: { id }, reply: { id, phase: 'releasing' } },
  'job.checkpoint': { body: { id }, reply: { id } },
  'job.hold': { body: { id }, reply: { id } },
  'job.release': { body: { id }, reply: { id } },
  'job.tie': { body: { id }, reply: { id, until: at } },
  'job.update': { body: { id, priority: 7, walltimeMs: 60_000, name: 'later' }, reply: { id } },
  'account.list': {
    body: {},
    reply: { accounts: [{ name: 'lab', spent: 1.5, perHour: 0.2, clusters: 1, budget: 9 }] },
  },
  'usage.list': {
    body: { by: 'account', since: at, until: at + 1, limit: 9, after: '' },
    reply: { rows: [{ name: 'lab', jobs: 3, coreMs: 7_200_000, cost: 0.5 }], next: '' },
  },
  'job.requeue': { body: { id }, reply: { id, run: 2 } },
  'node.list': { body: {}, reply: { nodes: [nodeRow] } },
  'cluster.list': {
    body: { all: true },
    reply: {
      clusters: [
        {
          name: cluster,
          phase: 'joining',
          details: 'Waiting for SSH provisioning port',
          remote: 'azure-west',
          flavor: 'small',
          nodes: placement.nodes,
          jobs: [id],
          since: at,
          price: 0.384,
        },
      ],
    },
  },
  'flavor.list': { body: {}, reply: { flavors: [flavorRow] } },
  'image.list': {
    body: {},
    reply: { images: [imageRow, { ...imageRow, name: 'notebook:1.2', kind: 'container' }] },
  },
  'remote.list': { body: {}, reply: { remotes: [remoteRow] } },
  'node.status': {
    body: {},
    reply: {
      node: 'h1',
      version: '0.1.0',
      installation: 'lab',
      since: at,
      term: 4_294_967_297,
      actors: 12,
      rssBytes: 104_857_600,
      trouble: ['the disk is nearly full'],
    },
  },
  'user.show': { body: {}, reply: { id: owner, operator: true } },
  'secret.set': { body: { name: 'db', secret: 'value', shared: true }, reply: { name: 'db' } },
  'secret.list': { body: {}, reply: { secrets: [{ name: 'db', shared: false, setAt: at }] } },
  'secret.remove': { body: { name: 'db' }, reply: { name: 'db' } },
  'job.purge': { body: { id, before: at }, reply: { id } },
  'node.drain': { body: { node, reason: 'a new disk', requeue: true }, reply: { node } },
  'node.resume': { body: { node }, reply: { node } },
  'node.gone': { body: { node }, reply: { node, cluster } },
  'head.list': {
    body: {},
    reply: {
      heads: [{ name: 'h1', address: '10.0.0.1:10001', phase: 'member', leads: true, behind: 0 }],
    },
  },
  'head.add': { body: { name: 'h2', address: '10.0.0.2:10001' }, reply: invitation },
  'head.remove': { body: { name: 'h2' }, reply },
  'head.transfer': { body: { to: '' }, reply: { leader: 'h3' } },
  'head.backup': {
    body: {},
    reply: { sha256: hash, bytes: 4_096, index: 9, at, installation: id },
  },
  'node.add': { body: { name: node }, reply: invitation },

  'gate.list': {
    body: { remote: 'azure-west' },
    reply: {
      rows: [
        {
          name: cluster,
          externalId: '/subscriptions/1/resourceGroups/x',
          status: 'succeeded',
          createdAt: at,
          mark: 'stray',
          phase: 'gone',
        },
      ],
      more: 0,
      unsweptSince: at,
    },
  },
  'sweep.confirm': { body: {}, reply },

  'job.create': {
    body: {
      id,
      owner,
      spec,
      script,
      scriptBlob: null,
      inputs: [file],
      digest: hash,
      from: '10.1.2.3',
    },
    reply: { id },
  },
  'job.place': { body: { id, attempt: 2, placement }, reply },
  'job.cluster': {
    body: {
      job: id,
      attempt: 2,
      cluster,
      phase: 'up',
      detail: 'Partition spawned',
      nodes: [
        { name: node, address: '10.0.0.4', phase: 'up', since: at },
        { name: 'swm-0f8fad5b-n2', address: '', phase: 'expected', since: at },
      ],
      failure: lost,
    },
    reply,
  },
  'job.report': { body: report, reply },
  'job.lease': { body: { job: id, node, attempt: 2, rank: 1 }, reply },
  'job.secrets': {
    body: { job: id, node, attempt: 2, rank: 1 },
    reply: { secrets: { db: 'größer' } },
  },
  'secret.keep': { body: { owner, name: 'db', sealed: 'v1.x' }, reply: { name: 'db' } },
  'secret.drop': { body: { owner, name: 'db' }, reply: { name: 'db' } },
  'cluster.claim': { body: { ...hold, owner, placement }, reply },
  'cluster.unclaim': { body: hold, reply: { gone: true } },
  'cluster.news': { body: hold, reply },
  'cluster.forget': { body: { cluster, before: at }, reply },
  'cluster.condemn': {
    body: { cluster, remote: 'azure-west', externalId: '/subscriptions/1/resourceGroups/x' },
    reply,
  },
  'cluster.overspent': { body: { cluster, life: 1, failure: lost, final: true }, reply },
  'job.overspent': { body: { job: id, attempt: 2, failure: lost }, reply },
  'account.charge': {
    body: { account: 'lab', cluster, life: 1, since: at, until: 0, perHour: 0.4, unitMs: 60_000 },
    reply,
  },
  'cluster.node': {
    body: { cluster, node, phase: 'silent', since: at, address: '10.0.0.4', resources },
    reply,
  },
  'scheduler.job': {
    body: { id, waits: { attempt: 2, submittedAt: at, notBefore: at + 1_000, spec } },
    reply,
  },
  'scheduler.cluster': {
    body: {
      cluster,
      open: true,
      claimed: { job: id, attempt: 2 },
      made: { remote: 'azure-west', flavor: 'small', nodes: 2 },
      nodes: [{ name: node, up: true, free: resources, total: resources, ports: [8888] }],
    },
    reply,
  },
  'scheduler.check': { body: { spec }, reply: { impossible: 'no flavor has 4 GPUs' } },
  'scheduler.why': { body: { ids: [id] }, reply: { reasons: { [id]: 'all nodes are busy' } } },
  'scheduler.site': {
    body: {
      remote: 'azure-west',
      clustersMax: 10,
      cpusMax: 64,
      defaultFlavor: 'small',
      defaultImage: 'ubuntu-24.04',
      flavors: [flavorRow],
      images: [imageRow],
    },
    reply,
  },
  'node.expect': {
    body: { node, cluster, role: 'worker', ...tokens, expiresAt: at + 600_000 },
    reply,
  },
  'node.join': { body: { node, ...tokens, publicKey }, reply: { role: 'worker', cluster } },
  'node.link': { body: { node, up: false, why: 'silent' }, reply },
  'node.remove': { body: { node }, reply },
  'node.forget': { body: { node, before: at }, reply },
  'head.keys': { body: {}, reply: { key: 'PEM', users: [{ name: 'admin', certificate: 'PEM' }] } },
  'head.current': { body: {}, reply: { index: 7 } },
  'job.preempt': {
    body: { job: id, attempt: 2, by: 'requeue', for: id, graceMs: 30_000 },
    reply,
  },
  'scheduler.policy': { body: { policy: defaultPolicy }, reply },
  'scheduler.offers': { body: {}, reply: { flavors: [], images: [] } },
  ...reputeSamples,
  'gate.offer': { body: { remote: 'azure-west' }, reply },

  'runner.order': { body: order, reply },
  'runner.go': { body: { runner }, reply },
  'runner.stop': {
    body: { runner, node, job: id, attempt: 2, rank: 0, failure: null, graceMs: 10_000 },
    reply,
  },
  'runner.taken': { body: { runner, seq: 7 }, reply },
  'runner.checkpoint': { body: { runner }, reply },
  'runner.forget': { body: { runner, before: at }, reply },
  'node.leader': { body: { leader: 'h1', term: 3, heads: ['10.0.0.1:10001'] }, reply },
  'node.hello': { body: { node, address: '10.0.0.4', resources, version: '0.1.0' }, reply },
  'node.evicted': { body: { node }, reply },

  'raft.ask': { body: { term: 4, pre: true, last: place, handed: false }, reply },
  'raft.voted': { body: { term: 4, pre: true, granted: true, waitMs: 0 }, reply },
  'raft.append': {
    body: { term: 4, prev: place, upTo: 10, committed: 9, round: 5, entries: [Buffer.from('e')] },
    reply,
  },
  'raft.appended': {
    body: { term: 4, matched: 10, round: 5, refused: { prev: 9, hint: place } },
    reply,
  },
  'raft.campaign': { body: { term: 4 }, reply },
  'raft.offer': {
    body: {
      leaderTerm: 4,
      ...place,
      at,
      members: { voters: ['h1'], learners: ['h2'] },
      bytes: 4_096,
      sha256: hash,
    },
    reply,
  },
};
