import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** `reset` ends what is there and refuses what comes; `dark` holds all bytes until it is healed. */
type Fault = 'reset' | 'dark';

/** All links between nodes pass through it, so that each can be cut and healed. */
export type Switchboard = {
  /** Lets `name` be dialled at `from`, and leads there to `to`. */
  add(name: string, from: Place, to: Place): Promise<void>;
  /** What `from` sends to `to` arrives no more; with `reset`, neither does the answer. */
  cut(from: string, to: string, fault: Fault): void;
  /** All goes on as if nothing had been: what was held arrives now. */
  heal(): void;
  close(): Promise<void>;
};

type Place = { readonly host: string; readonly port: number };
type Wire = {
  /** Who dialled, and who was dialled. */
  readonly ends: readonly [string, string];
  readonly sockets: readonly [Socket, Socket];
};

/** `nodes` gives the process of each node as it is now: by it, we know who dials. */
export function openSwitchboard(nodes: () => ReadonlyMap<number, string>): Switchboard {
  const servers: Server[] = [];
  const wires = new Set<Wire>();
  const cuts = new Map<string, Fault>();
  const faultOf = (from: string, to: string): Fault | undefined => cuts.get(`${from} ${to}`);

  /** Makes a wire as its two ways are said to be. */
  const settle = (wire: Wire): void => {
    const ways = [faultOf(...wire.ends), faultOf(wire.ends[1], wire.ends[0])] as const;
    if (ways.includes('reset')) for (const socket of wire.sockets) socket.resetAndDestroy();
    for (const [at, fault] of ways.entries()) {
      const source = wire.sockets[at as 0 | 1];
      const sink = wire.sockets[1 - at] as Socket;
      source.unpipe(sink);
      if (fault === 'dark') source.pause();
      else if (source.destroyed) sink.destroy();
      else source.pipe(sink);
    }
  };
  const take = (name: string, to: Place) => (caller: Socket) => {
    const dialler = dialled(caller, nodes()) ?? '?';
    const sockets = [caller, connect(to)] as const;
    const wire: Wire = { ends: [dialler, name], sockets };
    wires.add(wire);
    for (const socket of sockets) {
      socket.setNoDelay(true);
      socket.on('error', () => {});
      socket.on('close', () => {
        if (sockets.every((each) => each.destroyed)) wires.delete(wire);
        // The end of a process is heard by the other side only where something arrives.
        settle(wire);
      });
    }
    settle(wire);
  };

  return {
    add: async (name, from, to) => {
      const server = createServer(take(name, to));
      servers.push(server);
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(from, resolve);
      });
    },
    cut(from, to, fault) {
      cuts.set(`${from} ${to}`, fault);
      for (const wire of [...wires]) if (isBetween(wire, from, to)) settle(wire);
    },
    heal() {
      cuts.clear();
      for (const wire of [...wires]) settle(wire);
    },
    async close() {
      for (const { sockets } of wires) for (const socket of sockets) socket.destroy();
      for (const server of servers) await new Promise((resolve) => server.close(resolve));
    },
  };
}

const isBetween = ({ ends }: Wire, a: string, b: string): boolean =>
  ends.includes(a) && ends.includes(b);

/** Which of these processes holds the other end of a connection of this machine. */
function dialled(caller: Socket, nodes: ReadonlyMap<number, string>): string | undefined {
  const wanted = `${hexOf(caller.remoteAddress)}:${hexOfPort(caller.remotePort)}`;
  const row = readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .find((columns) => columns[1] === wanted);
  const socket = `socket:[${row?.[9]}]`;
  for (const [pid, name] of nodes) if (holds(pid, socket)) return name;
  return undefined;
}

/** As the kernel writes it: 127.0.0.1 is 0100007F. */
const hexOf = (address = ''): string =>
  address
    .split('.')
    .toReversed()
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();

const hexOfPort = (port = 0): string => port.toString(16).padStart(4, '0').toUpperCase();

function holds(pid: number, socket: string): boolean {
  try {
    const files = readdirSync(`/proc/${pid}/fd`);
    return files.some((file) => linkOf(`/proc/${pid}/fd/${file}`) === socket);
  } catch {
    // It has ended meanwhile.
    return false;
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
