import type { IncomingMessage, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { WebSocketServer } from 'ws';
import { limits } from '../protocol/limits.ts';
import type { Note } from '../runtime/ports.ts';
import { type Credentials, EXPIRED, type Vouched } from './credentials.ts';
import { farewell, fitReason } from './farewell.ts';
import { showIdentity, type UserIdentity } from './identity.ts';
import { type JoinAnswer, type JoinRequest, joinDoor } from './join.ts';
import type { Link, LinkBounds } from './link.ts';
import { isCrossSite, pathOf, refuse, refuseSocket } from './refusal.ts';
import { boundsFor, SocketLink, socketOptions } from './socket-link.ts';
import { type Speaker, speakersBy } from './speakers.ts';
import { type Listening, openTlsServer } from './tls-server.ts';

/** How a terminal's frames are written: MessagePack in binary frames, or JSON in text frames. */
const subprotocols = ['swm.v1+msgpack', 'swm.v1+json'] as const;
export type Subprotocol = (typeof subprotocols)[number];

export type TerminalListener = {
  readonly host: string;
  readonly port: number;
  readonly credentials: Credentials;
  /** Asks the registry, on every request: undefined admits, else the reason for refusing. */
  admit(user: UserIdentity, keyFingerprint: string): string | undefined;
  /** Tells of whom the registry is to be asked again; without an id, of all. */
  onNews?(then: (id?: string) => void): void;
  /** Answers `POST /join` of newcomers, which have no certificate. Throws to refuse. */
  onJoin?(request: JoinRequest): Promise<JoinAnswer>;
  /** Whether the registry knows that token by that name; asked once an address asks too often. */
  isExpected?(request: JoinRequest): boolean;
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
  const answer = answering(terminals);
  const speakers = speakersBy((user, key) => terminals.admit(user, key));
  terminals.onNews?.(speakers.judge);
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
      const speaker = answer(request, response, peer);
      if (speaker === undefined) return;
      const { socket } = request;
      response.once(
        'close',
        speakers.add(speaker, () => socket.destroy()),
      );
    },
    onUpgrade(request, socket, head, peer) {
      if (pathOf(request) !== '/terminal') return refuseSocket(socket, 404, 'not_found');
      if (isCrossSite(request)) return refuseSocket(socket, 403, 'forbidden');
      const speaker = admitted(terminals, peer);
      if (typeof speaker === 'string') return sendAway(request, socket, head, speaker);
      const { user } = speaker;
      const subprotocol = chosen(offeredBy(request));
      if (subprotocol === undefined)
        return refuseSocket(socket, 400, 'malformed', `speak one of ${subprotocols.join(', ')}`);
      door.handleUpgrade(request, socket, head, (ws) => {
        const text = subprotocol === 'swm.v1+json';
        const link = new SocketLink(ws, socket as TLSSocket, user, bounds, { text, note });
        adopt(ws, link, socket);
        terminals.onTerminal(link, user, subprotocol, socket.remoteAddress ?? '');
        ws.once(
          'close',
          speakers.add(speaker, (why) => link.close(why)),
        );
      });
    },
  });
  return listening;
}

/** The user that may speak here, or why not. */
function admitted(terminals: TerminalListener, peer: Vouched): Speaker | string {
  if (peer.why !== undefined) return peer.why;
  const { identity: user, keyFingerprint, untilMs } = peer;
  if (user.kind !== 'user') return `${showIdentity(user)} is not a user`;
  // What was proven once a connection may be over by now.
  if (Date.now() > untilMs) return EXPIRED;
  return terminals.admit(user, keyFingerprint) ?? { user, keyFingerprint, untilMs };
}

/** Answers a request, and gives the user that was let in. */
function answering(
  terminals: TerminalListener,
): (request: IncomingMessage, response: ServerResponse, peer: Vouched) => Speaker | undefined {
  const { note, onJoin } = terminals;
  const openPaths = new Set(terminals.openPaths ?? ['/health']);
  const join = onJoin && joinDoor(onJoin, (asked) => terminals.isExpected?.(asked) ?? false, note);
  return (request, response, peer) => {
    const path = pathOf(request);
    const read = request.method === 'GET' || request.method === 'HEAD';
    if (!read && isCrossSite(request)) {
      refuse(response, 403, { error: 'forbidden' });
      return undefined;
    }
    if (join !== undefined && path === '/join' && request.method === 'POST') {
      join(request, response);
      return undefined;
    }
    const speaker = admitted(terminals, peer);
    if (typeof speaker !== 'string') {
      terminals.onRequest(request, response, speaker.user);
      return speaker;
    }
    if (read && openPaths.has(path)) {
      terminals.onRequest(request, response, undefined);
      return undefined;
    }
    const { remoteAddress: from } = request.socket;
    note?.('info', '/terminals', 'a request was refused', { from, why: speaker });
    // Existing clients compare all of what their routes answer.
    const text = path.startsWith('/v1/') && { text: speaker };
    refuse(response, 401, { error: 'unauthorized', ...text });
    return undefined;
  };
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
