import type { TLSSocket } from 'node:tls';
import { WebSocketServer } from 'ws';
import { Malformed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Note } from '../runtime/ports.ts';
import type { Credentials, Vouched } from './credentials.ts';
import { type NodeIdentity, showIdentity } from './identity.ts';
import { type JoinAnswer, type JoinRequest, joinDoor } from './join.ts';
import type { Link, LinkBounds, Purpose } from './link.ts';
import { pathOf, refuse, refuseSocket } from './refusal.ts';
import { boundsFor, SocketLink, socketOptions } from './socket-link.ts';
import { type Listening, openTlsServer } from './tls-server.ts';

export type MeshListener = {
  readonly host: string;
  readonly port: number;
  /** A head's. */
  readonly credentials: Credentials;
  /** Asks the registry, on every connection: undefined admits, else the reason for refusing. */
  admit(node: NodeIdentity, keyFingerprint: string): string | undefined;
  /** Must set the link's handlers before it returns. */
  onLink(link: Link, purpose: Purpose): void;
  /** Throws `Failed` or `Malformed` to refuse; what is thrown is what the newcomer reads. */
  onJoin(request: JoinRequest): Promise<JoinAnswer>;
  /** Whether the registry knows that token by that name; asked once an address asks too often. */
  isExpected?(request: JoinRequest): boolean;
  readonly note?: Note;
  /** For tests. */
  readonly bounds?: Partial<LinkBounds>;
  readonly handshakeMsMax?: number;
};

const purposes: Readonly<Record<string, Purpose>> = { '/mesh': 'messages', '/bulk': 'bulk' };

/** Opens the heads' door for nodes: links for those with a certificate, `POST /join` for others. */
export async function listenMesh(mesh: MeshListener): Promise<Listening> {
  const { credentials, note } = mesh;
  const own = credentials.own;
  if (own?.kind !== 'node' || own.role !== 'head')
    throw new Malformed('$.certificate', 'a certificate of a head to listen with');
  const handshakeMsMax = mesh.handshakeMsMax ?? limits.handshakeMsMax;
  const join = joinDoor(mesh.onJoin, (request) => mesh.isExpected?.(request) ?? false, note);
  const doors = { messages: doorFor('messages', mesh), bulk: doorFor('bulk', mesh) };
  const { listening, adopt } = await openTlsServer({
    host: mesh.host,
    port: mesh.port,
    credentials,
    minVersion: 'TLSv1.3',
    handshakeMsMax,
    requestMsMax: handshakeMsMax,
    note,
    onRequest(request, response, peer) {
      if (pathOf(request) === '/join' && request.method === 'POST') return join(request, response);
      if (peer.why !== undefined)
        return refuse(response, 401, { error: 'unauthorized', text: peer.why });
      refuse(response, 404, { error: 'not_found' });
    },
    onUpgrade(request, socket, head, peer) {
      const node = admitted(mesh, own.installation, peer);
      if (typeof node === 'string') {
        note?.('warn', '/links', 'a link was refused', { from: socket.remoteAddress, why: node });
        return refuseSocket(socket, 401, 'unauthorized', node);
      }
      const purpose = purposes[pathOf(request)];
      if (purpose === undefined) return refuseSocket(socket, 404, 'not_found');
      const { server, bounds } = doors[purpose];
      server.handleUpgrade(request, socket, head, (ws) => {
        const link = new SocketLink(ws, socket as TLSSocket, node, bounds, { note });
        adopt(ws, link, socket);
        mesh.onLink(link, purpose);
      });
    },
  });
  return listening;
}

/** The node that may have a link, or why not. */
function admitted(mesh: MeshListener, installation: string, peer: Vouched): NodeIdentity | string {
  if (peer.why !== undefined) return peer.why;
  const { identity, keyFingerprint } = peer;
  if (identity.kind !== 'node') return `${showIdentity(identity)} is not a node`;
  if (identity.installation !== installation)
    return `${showIdentity(identity)} belongs to another installation`;
  return mesh.admit(identity, keyFingerprint) ?? identity;
}

function doorFor(purpose: Purpose, mesh: MeshListener) {
  const bounds = { ...boundsFor(purpose), ...mesh.bounds };
  const options = { noServer: true, clientTracking: false, ...socketOptions(bounds) };
  return { bounds, server: new WebSocketServer(options) };
}
