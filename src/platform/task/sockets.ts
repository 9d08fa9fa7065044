import { chown, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { basename, dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import type { AttemptKey } from '../../actors/ports.ts';
import type { TaskOrder, TaskSockets } from '../../actors/ways.ts';
import { Failed, Malformed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { diskFailed } from '../disk.ts';
import type { Account } from '../process/account.ts';
import { relay, relayed } from '../relay.ts';
import { failureOf, type Stream } from '../stream.ts';
import { listenAt } from '../unix-socket.ts';

/** An attempt, and which of its ranks its main process wants to run something. */
export type TaskWish = { readonly job: string; readonly attempt: number; readonly rank: number };

export type TaskSocketsOptions = {
  /** Leads to what runs tasks on another node of the job. Throws `Failed`. */
  readonly lead: (wish: TaskWish) => Promise<Duplex>;
  readonly accountOf: (user: string) => Promise<Account | undefined>;
};

export interface WorkerTasks extends TaskSockets {
  /** What runs tasks of an attempt here, once it has come. Throws `Failed`. */
  agentOf(wish: TaskWish): Promise<Duplex>;
  closeAll(): Promise<void>;
}

/** An attempt's socket, who waits at it, and who waits for somebody there. */
type Door = {
  readonly server: Server;
  readonly sockets: Set<Socket>;
  readonly waiting: Socket[];
  readonly wanted: ((agent: Socket) => void)[];
  readonly close: () => Promise<void>;
};

const nameOf = ({ job, attempt, rank }: AttemptKey): string => `${job}.${attempt}.${rank}`;

/**
 * Where processes of jobs of several nodes meet: on the main node whoever connects says a rank, and
 * is joined with that one; on each other node the agent connects, and waits to be joined.
 */
export function openTaskSockets(options: TaskSocketsOptions): WorkerTasks {
  const doors = new Map<string, Door>();
  const close = async (key: AttemptKey): Promise<void> => {
    const door = doors.get(nameOf(key));
    doors.delete(nameOf(key));
    await door?.close();
  };
  return {
    open: async (order) => {
      if (doors.has(nameOf(order.key))) return;
      const door = await openTaskDoor(options, order).catch((error) => {
        throw diskFailed(error, order.socket, 'Opening');
      });
      doors.set(nameOf(order.key), door);
    },
    close,
    agentOf: (wish) => {
      const door = doors.get(nameOf(wish));
      if (door === undefined)
        throw new Failed(
          'unreachable',
          `rank ${wish.rank} of job ${wish.job} does not run here yet`,
        );
      return nextAgent(door);
    },
    closeAll: async () => {
      await Promise.all([...doors.values()].map((door) => door.close()));
      doors.clear();
    },
  };
}

/** One of a worker that was killed lies where the new one is to be. */
async function openTaskDoor(
  { lead, accountOf }: TaskSocketsOptions,
  { key, socket: path, user }: TaskOrder,
): Promise<Door> {
  const account = await accountOf(user);
  await rm(path, { force: true });
  const server = createServer(relayed);
  server.maxConnections = limits.forwardConnectionsMax;
  const closed = await listenAt(server, dirname(path), basename(path));
  if (account !== undefined) await chown(path, account.uid, account.gid);
  const sockets = new Set<Socket>();
  const close = (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) =>
      server.close(() => {
        closed();
        resolve();
      }),
    );
  };
  const door: Door = { server, sockets, waiting: [], wanted: [], close };
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
    if (key.rank === 0) void called(socket, key, lead);
    else arrived(door, socket);
  });
  return door;
}

function arrived({ waiting, wanted }: Door, socket: Socket): void {
  const then = wanted.shift();
  if (then !== undefined) return then(socket);
  waiting.push(socket);
  socket.once('close', () => {
    const at = waiting.indexOf(socket);
    if (at >= 0) waiting.splice(at, 1);
  });
}

function nextAgent({ waiting, wanted }: Door): Promise<Socket> {
  const there = waiting.shift();
  if (there !== undefined) return Promise.resolve(there);
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      wanted.splice(wanted.indexOf(take), 1);
      reject(new Failed('unreachable', 'nothing waits for tasks there'));
    }, limits.forwardOpenMs);
    const take = (socket: Socket): void => {
      clearTimeout(late);
      resolve(socket);
    };
    wanted.push(take);
  });
}

/** What may pass is tried again by who called: it is told of nothing but what is final. */
async function called(
  socket: Socket,
  { job, attempt }: AttemptKey,
  lead: TaskSocketsOptions['lead'],
): Promise<void> {
  let out: Duplex | undefined;
  const gone = (): void => void out?.destroy();
  socket.once('close', gone);
  try {
    const rank = await rankOf(socket);
    out = await lead({ job, attempt, rank });
    if ('accepted' in out) await (out as Stream).accepted();
    socket.off('close', gone);
    if (socket.destroyed) return void out.destroy();
    await relay(socket, out);
  } catch (error) {
    const { text, retry } = failureOf(error);
    if (retry) socket.destroy();
    else socket.end(said('F', text), () => socket.destroy());
  }
}

/** A frame as the programs at both ends speak them. */
function said(kind: string, text: string): Buffer {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(5);
  head.write(kind, 'latin1');
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

const RANK_CHARS_MAX = 8;

/** The first line; what follows is left to be read. */
async function rankOf(socket: Socket): Promise<number> {
  let text = '';
  for (;;) {
    const char = socket.read(1) as Buffer | null;
    if (char === null) await readable(socket);
    else if (char[0] === 10) break;
    else text += char.toString('latin1');
    if (text.length > RANK_CHARS_MAX) throw new Malformed('rank', 'a rank on a line');
  }
  const rank = Number(text);
  if (/^\d+$/.test(text) && rank > 0) return rank;
  throw new Malformed('rank', 'a rank on a line');
}

const readable = (socket: Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    const over = (): void => reject(new Failed('refused', 'it went away'));
    socket.once('close', over);
    socket.once('end', over);
    socket.once('readable', () => {
      socket.off('close', over);
      socket.off('end', over);
      resolve();
    });
  });
