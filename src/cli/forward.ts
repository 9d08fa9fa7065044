import type { AddressInfo, Socket } from 'node:net';
import type { Client } from '../client/client.ts';
import { duplexOf } from '../connect.ts';
import { BindFailed, type OpenPort, openPort, shut } from '../platform/open-port.ts';
import { relay } from '../platform/relay.ts';
import { Failed } from '../protocol/errors.ts';
import { exits, Usage } from './exits.ts';
import { rowsOf, untilRuns } from './running-job.ts';
import type { Screen } from './screen.ts';
import { type Call, textOf } from './verb.ts';
import { short } from './words.ts';

/** A port of this machine, 0 for any, and the job's. */
type Pair = { readonly local: number; readonly port: number };

/** Listens here, and leads who comes to the job, for as long as it runs. */
export async function run({ args, options, screen, client }: Call): Promise<number> {
  const [given = '', ...texts] = args;
  const pairs = texts.map(pairOf);
  const open = await client();
  const { job } = await open.call('job.show', { id: given });
  for (const { port } of pairs)
    if (!job.spec.ports.some((p) => p.port === port && p.direction === 'in'))
      throw new Failed('not_found', `job ${short(job.id)} has not asked for port ${port}`);
  const { id } = job;
  const rows = rowsOf(open, id);
  await untilRuns(rows, screen, id);
  const host = textOf(options, 'bind') ?? '127.0.0.1';
  const doors: OpenPort[] = [];
  try {
    for (const pair of pairs) {
      const door = await listen(host, pair, (socket) => lead(open, screen, id, pair.port, socket));
      doors.push(door);
      const { port: local } = door.server.address() as AddressInfo;
      if (screen.json) screen.printJson({ id, host, local, port: pair.port });
      else screen.print(`${host}:${local} leads to port ${pair.port} of job ${short(id)}`);
    }
    for await (const row of rows) if (row.phase !== 'running') break;
  } finally {
    await Promise.all(doors.map(shut));
  }
  screen.note(`swm: job ${short(id)} runs no more`);
  return exits.good;
}

function pairOf(text: string): Pair {
  const [, local, port = ''] = /^(?:(\d{1,5}):)?(\d{1,5})$/.exec(text) ?? [];
  const pair = { local: Number(local ?? port), port: Number(port) };
  if (pair.port > 0 && pair.port < 65_536 && pair.local < 65_536) return pair;
  throw new Usage(`swm: ${text} is no port, and no LOCAL:PORT`);
}

async function listen(
  host: string,
  { local }: Pair,
  then: (socket: Socket) => Promise<void>,
): Promise<OpenPort> {
  try {
    return await openPort(host, local, then);
  } catch (error) {
    throw error instanceof BindFailed ? error.failed : error;
  }
}

async function lead(
  client: Client,
  screen: Screen,
  id: string,
  port: number,
  socket: Socket,
): Promise<void> {
  try {
    await relay(socket, duplexOf(await client.forward(id, port)));
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    screen.note(`swm: port ${port}: ${error.failure.text} [${error.failure.code}]`);
    socket.resetAndDestroy();
  }
}
