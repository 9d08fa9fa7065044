import { expect } from 'vitest';
import type { Credentials } from '../../src/platform/credentials.ts';
import { dialMesh } from '../../src/platform/dial.ts';
import type { NodeIdentity } from '../../src/platform/identity.ts';
import type { JoinAnswer, JoinRequest } from '../../src/platform/join.ts';
import type { Link, Purpose } from '../../src/platform/link.ts';
import { listenMesh } from '../../src/platform/mesh.ts';
import type { Listening } from '../../src/platform/tls-server.ts';
import type { Failure } from '../../src/protocol/errors.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { makePki, type Pki } from './pki.ts';
import { until } from './wait.ts';

/** A head that listens, with a registry, and all that came to it. */
export type MeshWorld = {
  readonly pki: Pki;
  readonly head: Credentials;
  readonly listening: Listening;
  readonly address: string;
  /** `role name` of the nodes that are admitted. */
  readonly registry: Set<string>;
  readonly asked: NodeIdentity[];
  readonly links: { readonly link: Link; readonly purpose: Purpose; frames: number; why: string }[];
  readonly notes: string[];
  /** What answers those who join; set by the test. */
  onJoin: (request: JoinRequest) => Promise<JoinAnswer>;
  /** Tokens that are known to have been given out. */
  readonly tokens: Set<string>;
  dial(credentials: Credentials, purpose?: Purpose): Promise<Link>;
  /** Closes the door; nothing may be left of it. */
  end(): Promise<void>;
};

export async function meshWorld(
  options: { readonly handshakeMsMax?: number; readonly pki?: Pki } = {},
): Promise<MeshWorld> {
  const pki = options.pki ?? (await makePki());
  const head = await pki.node('head', 'h1');
  const world = {
    pki,
    head,
    registry: new Set(['head h1', 'worker w1']),
    asked: [] as NodeIdentity[],
    links: [] as MeshWorld['links'],
    notes: [] as string[],
    tokens: new Set<string>(),
    onJoin: (_request: JoinRequest): Promise<JoinAnswer> =>
      Promise.reject(new Failed('forbidden', 'nobody joins')),
  };
  const listening = await listenMesh({
    host: '127.0.0.1',
    port: 0,
    credentials: head,
    handshakeMsMax: options.handshakeMsMax ?? 10_000,
    note: (level, _path, text, fields) =>
      void world.notes.push(`${level} ${text} ${JSON.stringify(fields ?? {})}`),
    admit(node) {
      world.asked.push(node);
      const known = world.registry.has(`${node.role} ${node.name}`);
      return known ? undefined : `${node.role} ${node.name} is not registered`;
    },
    onLink(link, purpose) {
      const seen = { link, purpose, frames: 0, why: '' };
      world.links.push(seen);
      link.onFrame((frame) => {
        seen.frames += 1;
        link.send(frame);
      });
      link.onClosed((why) => {
        seen.why = why;
      });
    },
    onJoin: (request) => world.onJoin(request),
    isExpected: ({ token }) => world.tokens.has(token),
  });
  const address = `127.0.0.1:${listening.port}`;
  return Object.assign(world, {
    listening,
    address,
    dial: (credentials: Credentials, purpose: Purpose = 'messages') =>
      dialMesh({ address, credentials, expectRole: 'head', expectName: 'h1', purpose }),
    async end() {
      await listening.close();
      expect([listening.connections, listening.links.size]).toEqual([0, 0]);
    },
  });
}

/** Sends one frame and waits for its echo: the link works. */
export async function echoes(link: Link, bytes = 1_000): Promise<void> {
  let heard = 0;
  link.onFrame((frame) => {
    heard += frame.length;
  });
  link.send(Buffer.alloc(bytes, 7));
  await until('an echo', () => heard >= bytes);
}

/** The failure that it must end in. */
export async function failureOf(attempt: Promise<unknown>): Promise<Failure> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof Failed) return error.failure;
    throw error;
  }
  throw new Error('it did not fail');
}
