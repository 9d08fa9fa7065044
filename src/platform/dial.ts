import type { X509Certificate } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import { Failed, Malformed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import type { Note } from '../runtime/ports.ts';
import { type Credentials, keepSession, prove, shownBy, vouch } from './credentials.ts';
import { type Identity, identify, type NodeIdentity, type Role, showIdentity } from './identity.ts';
import type { Link, LinkBounds, Purpose } from './link.ts';
import { boundsFor, SocketLink, type Spoken, socketOptions } from './socket-link.ts';
import type { Subprotocol } from './terminals.ts';

export type MeshDial = {
  /** `host:port`; an IPv6 address in brackets. */
  readonly address: string;
  /** A node's. */
  readonly credentials: Credentials;
  readonly expectRole: Role;
  /** The node that it must be; any of that role if it is not yet known. */
  readonly expectName?: string;
  readonly purpose: Purpose;
  readonly note?: Note;
  /** For tests. */
  readonly bounds?: Partial<LinkBounds>;
  readonly handshakeMsMax?: number;
};

/**
 * Dials a node. It must show a certificate that our own authority signed, of that role, name and
 * installation; what host name it bears is nobody's concern. Throws `Failed`.
 */
export async function dialMesh(dial: MeshDial): Promise<Link> {
  const { address, credentials, purpose, note } = dial;
  const own = credentials.own;
  if (own?.kind !== 'node') throw new Malformed('$.certificate', 'a certificate of a node');
  const bounds = { ...boundsFor(purpose), ...dial.bounds };
  const untilMs = performance.now() + (dial.handshakeMsMax ?? limits.handshakeMsMax);
  const secure = await secured(address, credentials, untilMs);
  const { socket } = secure;
  const server = provenPeer(secure, address, credentials);
  if (
    server.kind !== 'node' ||
    server.role !== dial.expectRole ||
    server.installation !== own.installation ||
    (dial.expectName !== undefined && server.name !== dial.expectName)
  ) {
    socket.destroy();
    const wanted = `${dial.expectRole} ${dial.expectName ?? ''}`.trim();
    throw new Failed('unauthorized', `${address} is ${showIdentity(server)}, not ${wanted}`);
  }
  const path = purpose === 'bulk' ? '/bulk' : '/mesh';
  return upgraded(socket, { address, path, peer: server, bounds, untilMs, spoken: { note } });
}

export type TerminalDial = {
  readonly address: string;
  /** A user's. */
  readonly credentials: Credentials;
  readonly subprotocol: Subprotocol;
  /** For tests. */
  readonly bounds?: Partial<LinkBounds>;
  readonly handshakeMsMax?: number;
};

/**
 * Dials a head as a user. It must show a head's certificate; one of an older installation, which
 * says nothing of roles, must name the host that was dialled. Throws `Failed`.
 */
export async function dialTerminal(dial: TerminalDial): Promise<Link> {
  const { address, credentials, subprotocol } = dial;
  const bounds = { ...boundsFor('terminal'), ...dial.bounds };
  const untilMs = performance.now() + (dial.handshakeMsMax ?? limits.handshakeMsMax);
  const secure = await secured(address, credentials, untilMs);
  const peer = headOf(secure, address, credentials);
  const spoken = { text: subprotocol === 'swm.v1+json' };
  return upgraded(secure.socket, {
    address,
    path: '/terminal',
    subprotocol,
    peer,
    bounds,
    untilMs,
    spoken,
  });
}

/** Splits `host:port` and `[v6]:port`. Throws `Malformed`. */
function splitAddress(address: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]/\s]+)):(\d{1,5})$/.exec(address);
  const port = Number(match?.[3]);
  const host = match?.[1] ?? match?.[2];
  if (host === undefined || !(port > 0 && port < 65_536))
    throw new Malformed('$.address', `host:port instead of ${address}`);
  return { host, port };
}

/** A TLS connection whose peer is not judged yet. Nothing has been sent on it. */
export function connected(
  address: string,
  options: ConnectionOptions,
  untilMs: number,
): Promise<TLSSocket> {
  const { host, port } = splitAddress(address);
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      rejectUnauthorized: false,
      // Else a certificate without this host's name would count as not authorized.
      checkServerIdentity: () => undefined,
      ALPNProtocols: ['http/1.1'],
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...options,
    });
    socket.setNoDelay(true);
    const late = setTimeout(
      () => fail(new Error('it did not answer in time')),
      Math.max(1, untilMs - performance.now()),
    );
    const fail = (error: Error) => {
      clearTimeout(late);
      socket.destroy();
      reject(new Failed('unreachable', `${address} cannot be reached: ${error.message}`));
    };
    const ended = () => fail(new Error('it hung up'));
    socket.once('error', fail);
    socket.once('close', ended);
    socket.once('secureConnect', () => {
      clearTimeout(late);
      socket.off('error', fail);
      socket.off('close', ended);
      // Until an owner listens, an error must not be nobody's.
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
  });
}

type Secured = { readonly socket: TLSSocket; readonly resumed: X509Certificate | undefined };

async function secured(
  address: string,
  credentials: Credentials,
  untilMs: number,
): Promise<Secured> {
  const session = credentials.sessions.get(address);
  const secureContext = credentials.context();
  const options =
    session === undefined ? { secureContext } : { secureContext, session: session.ticket };
  const socket = await connected(address, options, untilMs);
  const resumed = socket.isSessionReused() ? session?.certificate : undefined;
  const certificate = resumed ?? shownBy(socket);
  socket.on('session', (ticket) => {
    if (certificate !== undefined) keepSession(credentials, address, { ticket, certificate });
  });
  return { socket, resumed };
}

function provenPeer(
  { socket, resumed }: Secured,
  address: string,
  credentials: Credentials,
): Identity {
  const peer = vouch(socket, credentials.authority, resumed);
  if (peer.identity === undefined) throw disbelieved(socket, address, peer.why);
  return peer.identity;
}

function headOf(
  { socket, resumed }: Secured,
  address: string,
  credentials: Credentials,
): NodeIdentity {
  const { certificate, why } = prove(socket, credentials.authority, resumed);
  if (certificate === undefined) throw disbelieved(socket, address, why);
  const identity = identify(certificate);
  if (identity?.kind === 'node') {
    if (identity.role === 'head') return identity;
    throw disbelieved(socket, address, `${showIdentity(identity)} is not a head`);
  }
  const { host } = splitAddress(address);
  // The common name does not count: users choose theirs.
  const named =
    isIP(host) === 0
      ? certificate.checkHost(host, { subject: 'never' })
      : certificate.checkIP(host);
  if (named === undefined)
    throw disbelieved(socket, address, `the certificate does not name ${host}`);
  return { kind: 'node', role: 'head', name: host, installation: '' };
}

function disbelieved(socket: TLSSocket, address: string, why: string): Failed {
  socket.destroy();
  return new Failed('unauthorized', `${address} is not believed: ${why}`);
}

type Upgrade = {
  readonly address: string;
  readonly path: string;
  readonly subprotocol?: Subprotocol;
  readonly peer: Identity;
  readonly bounds: LinkBounds;
  readonly untilMs: number;
  readonly spoken: Spoken;
};

function upgraded(socket: TLSSocket, upgrade: Upgrade): Promise<Link> {
  const { address, bounds } = upgrade;
  const ws = new WebSocket(
    `wss://${address}${upgrade.path}`,
    upgrade.subprotocol === undefined ? [] : [upgrade.subprotocol],
    {
      ...socketOptions(bounds),
      handshakeTimeout: Math.max(1, upgrade.untilMs - performance.now()),
      createConnection: () => socket,
      // Masks guard proxies that read plain text; within TLS there are none. Left zero, neither end
      // spends time on them.
      generateMask: () => {},
    },
  );
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      socket.destroy();
      reject(
        error instanceof Failed
          ? error
          : new Failed('unreachable', `${address} made no link: ${error.message}`),
      );
    };
    ws.on('error', fail);
    ws.once('unexpected-response', (_request, response) => {
      refusalOf(response).then((why) => {
        const code = response.statusCode === 401 ? 'unauthorized' : 'refused';
        fail(new Failed(code, `${address} refused: ${why}`));
      }, fail);
    });
    ws.once('open', () => {
      ws.off('error', fail);
      resolve(new SocketLink(ws, socket, upgrade.peer, bounds, upgrade.spoken));
    });
  });
}

/** The reason in a refusal's JSON, or its status. */
async function refusalOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of response) {
    text += String(part);
    if (text.length > 4_096) break;
  }
  try {
    const body = JSON.parse(text) as { readonly error?: unknown; readonly text?: unknown };
    return String(body.text ?? body.error);
  } catch {
    return `status ${response.statusCode}`;
  }
}
