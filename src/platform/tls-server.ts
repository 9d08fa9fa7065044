import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { SecureVersion, TLSSocket } from 'node:tls';
import type { WebSocket } from 'ws';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Note } from '../runtime/ports.ts';
import type { Credentials, Vouched } from './credentials.ts';
import { knownPeers } from './known-peers.ts';
import type { Link } from './link.ts';
import { conflictAt } from './port-conflict.ts';
import { refuseSocket } from './refusal.ts';

export type TlsServerOptions = {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly credentials: Credentials;
  readonly minVersion: SecureVersion;
  /** From the TCP connection to the end of TLS, and from there to the end of the headers. */
  readonly handshakeMsMax: number;
  /** From the first byte of a request to its last. */
  readonly requestMsMax: number;
  /** Connections of one address that are no links; as many as there may be, unless given. */
  readonly addressConnectionsMax?: number;
  readonly note: Note | undefined;
  onRequest(request: IncomingMessage, response: ServerResponse, peer: Vouched): void;
  onUpgrade(request: IncomingMessage, socket: TLSSocket, head: Buffer, peer: Vouched): void;
};

/** A door that is open: where, what is connected, and how to close it. */
export type Listening = {
  readonly host: string;
  /** The real one, also if any free one was asked. */
  readonly port: number;
  /** TCP connections, of links and of others. */
  readonly connections: number;
  readonly links: ReadonlySet<Link>;
  /** Says goodbye on each link, cuts what is left, and resolves when nothing is. */
  close(): Promise<void>;
};

export type TlsServer = {
  readonly listening: Listening;
  /** A connection has become a link. */
  readonly adopt: (ws: WebSocket, link: Link, socket: Socket) => void;
};

/**
 * An HTTPS server that asks every peer for a certificate and lets the caller judge what it showed.
 * TLS refuses nobody by itself: so each refusal can say why, and a newcomer can ask to join.
 */
export async function openTlsServer(options: TlsServerOptions): Promise<TlsServer> {
  const server = serverOf(options);
  const sockets = new Set<Socket>();
  const links = new Set<Link>();
  /** By address, those that are no links. */
  const others = new Map<string, number>();
  const count = (from: string, more: 1 | -1): void => {
    const next = (others.get(from) ?? 0) + more;
    if (next === 0) others.delete(from);
    else others.set(from, next);
  };
  const { addressConnectionsMax = limits.handshakesMax } = options;
  server.on('connection', (socket: Socket) => {
    const { remoteAddress: from = '' } = socket;
    const isFull = sockets.size - links.size >= limits.handshakesMax;
    if (isFull || (others.get(from) ?? 0) >= addressConnectionsMax) return void socket.destroy();
    count(from, 1);
    // A peer that is gone without a word would else be kept for as long as nothing is sent to it.
    socket.setKeepAlive(true, limits.keepAliveMs);
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      count(from, -1);
    });
  });
  hear(server, options);
  const port = await listen(server, options.host, options.port);
  server.on('error', (error) =>
    options.note?.('error', '/links', 'the listener failed', { error }),
  );
  const listening: Listening = {
    host: options.host,
    port,
    links,
    get connections() {
      return sockets.size;
    },
    close: () => shut(server, sockets, links),
  };
  const adopt = (ws: WebSocket, link: Link, { remoteAddress: from = '' }: Socket) => {
    links.add(link);
    count(from, -1);
    ws.once('close', () => {
      links.delete(link);
      count(from, 1);
    });
  };
  return { listening, adopt };
}

const serverOf = ({ credentials, handshakeMsMax, minVersion, requestMsMax }: TlsServerOptions) =>
  createServer({
    key: credentials.key,
    cert: credentials.shown,
    ca: credentials.chain,
    requestCert: true,
    rejectUnauthorized: false,
    minVersion,
    handshakeTimeout: handshakeMsMax,
    sessionTimeout: limits.sessionSecondsMax,
    sessionIdContext: 'swm',
    headersTimeout: Math.min(handshakeMsMax, requestMsMax),
    requestTimeout: requestMsMax,
    connectionsCheckingInterval: Math.ceil(handshakeMsMax / 8),
    keepAliveTimeout: 5_000,
  });

/** A peer is judged once a connection; what the registry says of it is asked on each request. */
function hear(server: Server, { credentials, note, onRequest, onUpgrade }: TlsServerOptions): void {
  const peers = new WeakMap<TLSSocket, Vouched>();
  const judge = knownPeers(credentials.authority);
  const peerOf = (socket: TLSSocket): Vouched => {
    const known = peers.get(socket) ?? judge(socket);
    peers.set(socket, known);
    return known;
  };
  server.on('tlsClientError', (error, socket) => {
    note?.('debug', '/links', 'a handshake failed', { error: error.message });
    socket.destroy();
  });
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    note?.('debug', '/links', 'a request failed', { error: error.message });
    const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT';
    refuseSocket(socket, late ? 408 : 400, late ? 'timeout' : 'malformed');
  });
  server.on('request', (request, response) => {
    onRequest(request, response, peerOf(request.socket as TLSSocket));
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    onUpgrade(request, socket as TLSSocket, head, peerOf(socket as TLSSocket));
  });
}

/** Resolves with the real port. A taken one is told with who has it. */
async function listen(server: Server, host: string, port: number): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw new Failed(
        'port_busy',
        `port ${port} on ${host} is held by ${(await conflictAt(host, port)).holder}`,
      );
    throw new Failed('refused', `cannot listen on ${host}:${port}: ${message}`);
  }
  return (server.address() as AddressInfo).port;
}

async function shut(
  server: Server,
  sockets: ReadonlySet<Socket>,
  links: ReadonlySet<Link>,
): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const link of links) link.close('stopping');
  server.closeIdleConnections();
  const late = setTimeout(() => {
    for (const socket of sockets) socket.destroy();
  }, limits.goodbyeMsMax);
  await closed;
  clearTimeout(late);
  // The server counts a socket as gone a moment before it tells so.
  await Promise.all(
    [...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))),
  );
}
