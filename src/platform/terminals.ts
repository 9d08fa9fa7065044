import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { WebSocketServer } from 'ws';
import { limits } from '../protocol/limits.ts';
import type { Note } from '../runtime/ports.ts';
import type { Credentials, Vouched } from './credentials.ts';
import { farewell, fitReason } from './farewell.ts';
import { showIdentity, type UserIdentity } from './identity.ts';
import type { Link, LinkBounds } from './link.ts';
import { isCrossSite, pathOf, refuse, refuseSocket } from './refusal.ts';
import { boundsFor, SocketLink, socketOptions } from './socket-link.ts';
import { type Listening, openTlsServer } from './tls-server.ts';

/** How a terminal's frames are written: MessagePack in binary frames, or JSON in text frames. */
const subprotocols = ['swm.v1+msgpack', 'swm.v1+json'] as const;
export type Subprotocol = (typeof subprotocols)[number];

export type TerminalListener = {
  readonly host: string;
  readonly port: number;
  readonly credentials: Credentials;
  /** Asks the registry, on every request: undefined admits, else the reason for refusing. */
  admit(user: UserIdentity): string | undefined;
  /** Must set the link's handlers before it returns. `from` is the address that has dialled. */
  onTerminal(link: Link, user: UserIdentity, subprotocol: Subprotocol, from: string): void;
  /** Plain requests. `user` is undefined only on `openPaths`. */
  onRequest(
    request: IncomingMessage,
    response: ServerResponse,
    user: UserIdentity | undefined,
  ): void;
  /** Paths that anybody may GET; `/health` unless given. */
  readonly openPaths?: readonly string[];
  readonly note?: Note;
  /** For tests. */
  readonly bounds?: Partial<LinkBounds>;
  readonly handshakeMsMax?: number;
};

/** A submit of the largest script over a slow line takes its time. */
const REQUEST_MS_MAX = 300_000;

/** Opens the door for users: their programs' requests, and links on `/terminal`. */
export async function listenTerminals(terminals: TerminalListener): Promise<Listening> {
  const { note } = terminals;
  const openPaths = new Set(terminals.openPaths ?? ['/health']);
  const bounds = { ...boundsFor('terminal'), ...terminals.bounds };
  const door = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    handleProtocols: (offered) => chosen(offered) ?? false,
    ...socketOptions(bounds),
  });
  const { listening, adopt } = await openTlsServer({
    host: terminals.host,
    port: terminals.port,
    credentials: terminals.credentials,
    minVersion: 'TLSv1.2',
    handshakeMsMax: terminals.handshakeMsMax ?? limits.handshakeMsMax,
    requestMsMax: REQUEST_MS_MAX,
    addressConnectionsMax: limits.addressConnectionsMax,
    note,
    onRequest(request, response, peer) {
      const user = admitted(terminals, peer);
      const read = request.method === 'GET' || request.method === 'HEAD';
      if (typeof user === 'string') {
        if (read && openPaths.has(pathOf(request)))
          return terminals.onRequest(request, response, undefined);
        note?.('info', '/terminals', 'a request was refused', {
          from: request.socket.remoteAddress,
          why: user,
        });
        return refuse(response, 401, { error: 'unauthorized' });
      }
      if (!read && isCrossSite(request)) return refuse(response, 403, { error: 'forbidden' });
      terminals.onRequest(request, response, user);
    },
    onUpgrade(request, socket, head, peer) {
      if (pathOf(request) !== '/terminal') return refuseSocket(socket, 404, 'not_found');
      if (isCrossSite(request)) return refuseSocket(socket, 403, 'forbidden');
      const user = admitted(terminals, peer);
      if (typeof user === 'string') return sendAway(request, socket, head, user);
      const subprotocol = chosen(offeredBy(request));
      if (subprotocol === undefined)
        return refuseSocket(socket, 400, 'malformed', `speak one of ${subprotocols.join(', ')}`);
      door.handleUpgrade(request, socket, head, (ws) => {
        const text = subprotocol === 'swm.v1+json';
        const link = new SocketLink(ws, socket as TLSSocket, user, bounds, { text, note });
        adopt(ws, link, socket);
        terminals.onTerminal(link, user, subprotocol, socket.remoteAddress ?? '');
      });
    },
  });
  return listening;
}

/** The user that may speak here, or why not. */
function admitted(terminals: TerminalListener, peer: Vouched): UserIdentity | string {
  if (peer.why !== undefined) return peer.why;
  const { identity } = peer;
  if (identity.kind !== 'user') return `${showIdentity(identity)} is not a user`;
  return terminals.admit(identity) ?? identity;
}

const chosen = (offered: ReadonlySet<string>): Subprotocol | undefined =>
  subprotocols.find((known) => offered.has(known));

const offeredBy = (request: IncomingMessage): ReadonlySet<string> =>
  new Set((request.headers['sec-websocket-protocol'] ?? '').split(',').map((one) => one.trim()));

/** Takes next to nothing: a stranger's frames are refused as they begin. */
const strangers = new WebSocketServer({
  noServer: true,
  clientTracking: false,
  handleProtocols: (offered) => chosen(offered) ?? false,
  ...socketOptions({ ...boundsFor('terminal'), frameBytesMax: 1_024 }),
});

/** A browser shows a page the reason of a close, but nothing of a refused upgrade. */
function sendAway(request: IncomingMessage, socket: TLSSocket, head: Buffer, why: string): void {
  strangers.handleUpgrade(request, socket, head, (ws) => {
    ws.on('error', () => ws.terminate());
    ws.close(farewell.unauthorized, fitReason(`unauthorized: ${why}`));
  });
}
