import Type from 'typebox';
import { labels, name, Resources, sha256, text } from './model.ts';

const nothing = Type.Object({});
const instant = Type.Integer({ minimum: 0 });
const Role = Type.Enum(['head', 'worker']);

/** What becomes of the jobs of a node that takes no new ones: they run on, or elsewhere. */
export const drained = Type.Optional(Type.Enum(['keep', 'requeue']));

/** What is said of nodes, by them and to their cluster; merged into the shapes of all messages. */
export const nodeShapes = {
  'cluster.node': {
    body: Type.Object({
      cluster: name,
      node: name,
      phase: Type.Enum(['expected', 'up', 'silent', 'gone']),
      since: instant,
      address: text(256),
      resources: Resources,
      drained,
      labels: Type.Optional(labels),
      /** Its site takes the machine back. */
      evicted: Type.Optional(Type.Boolean()),
    }),
    reply: nothing,
  },
  'node.expect': {
    body: Type.Object({
      node: name,
      cluster: name,
      role: Role,
      /** SHA-256 of the join token. */
      tokenHash: sha256,
      expiresAt: instant,
    }),
    reply: nothing,
  },
  'node.join': {
    body: Type.Object({ node: name, tokenHash: sha256, publicKey: text(4096) }),
    reply: Type.Object({ role: Role, cluster: name }),
  },
  'node.link': {
    body: Type.Object({ node: name, up: Type.Boolean(), why: text(1024) }),
    reply: nothing,
  },
  'node.remove': { body: Type.Object({ node: name }), reply: nothing },
  'node.forget': { body: Type.Object({ node: name, before: instant }), reply: nothing },
  'node.hello': {
    body: Type.Object({
      node: name,
      address: text(256),
      resources: Resources,
      version: text(64),
      labels: Type.Optional(labels),
    }),
    reply: nothing,
  },
  'node.evicted': { body: Type.Object({ node: name }), reply: nothing },
} as const;
