import { Packr, Unpackr } from 'msgpackr';
import type { WebSocket } from 'ws';
import { limits } from '../src/protocol/limits.ts';
import { type Message, messages } from '../src/protocol/messages.ts';
import { hello, paths, report, taken, who } from './delivery-load.ts';
import type { Part, Speaker } from './delivery-peer.ts';

type Row = readonly unknown[];

/** Sends rows, as many as there are at the end of the turn in one frame. */
function gathered(ws: WebSocket): (row: Row) => void {
  const packr = new Packr({ sequential: true });
  let batch: Row[] = [];
  const flush = (): void => {
    if (batch.length === 0) return;
    const rows = batch;
    batch = [];
    ws.send(packr.pack(rows));
  };
  return (row) => {
    batch.push(row);
    if (batch.length === limits.frameEnvelopesMax) flush();
    else if (batch.length === 1) setImmediate(flush);
  };
}

/**
 * What somebody would write who needs no more than this: rows gathered until the end of the turn,
 * a packer that learns keys, a handler by path. Nothing is checked, bounded, timed or kept apart.
 */
export function bareSpeaker(role: Part['role'], ws: WebSocket): Speaker {
  const send = gathered(ws);
  const unpackr = new Unpackr({ sequential: true });
  const path = role === 'head' ? paths.runner : paths.job;
  const make = role === 'head' ? taken : report;
  const asked = new Map<number, () => void>();
  let next = 1;
  let sum = 0;
  let done: ((sum: number) => void) | undefined;

  const rowOf = (to: string, ask: number, { name, body }: Message): Row => {
    const { door, id } = who;
    return [messages[name].code, to, ask, body, [door, id]];
  };
  const heard = ({ seq }: { readonly seq: number }): void => {
    if (done !== undefined) return done(seq);
    sum += 1;
    if (seq > 0) return;
    send(rowOf(path, 0, make(sum)));
    sum = 0;
  };
  const handlers = new Map<unknown, (row: Row) => void>([
    [paths.job, (row) => heard(row[3] as never)],
    [paths.runner, (row) => heard(row[3] as never)],
    [paths.node, (row) => send([0, row[2], row[0], {}])],
  ]);
  ws.on('message', (frame) => {
    for (const row of unpackr.unpack(frame as Buffer) as Row[]) {
      if (row[0] !== 0) handlers.get(row[1])?.(row);
      else {
        const then = asked.get(row[1] as number);
        asked.delete(row[1] as number);
        then?.();
      }
    }
  });
  return {
    tell(left) {
      if (ws.bufferedAmount > limits.outboxBytesMax) return false;
      send(rowOf(path, 0, make(left)));
      return true;
    },
    heard: () =>
      new Promise((resolve) => {
        done = (count) => {
          done = undefined;
          resolve(count);
        };
      }),
    ask(then) {
      const ask = next++;
      asked.set(ask, then);
      send(rowOf(paths.node, ask, hello()));
    },
  };
}
