import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Failed } from '../protocol/errors.ts';
import { failureOf, type Stream } from './stream.ts';
import type { StreamRequest } from './streams.ts';

/** Options of a socket that is to be relayed: each direction ends for itself, and pieces gather. */
export const relayed = { allowHalfOpen: true, highWaterMark: 256 << 10 } as const;

/**
 * Joins two ends, sockets or streams: bytes both ways at the pace of the slower one, each
 * direction ended for itself, and what breaks one breaks the other. Resolves when both are closed.
 */
export function relay(one: Duplex, two: Duplex): Promise<void> {
  pour(one, two);
  pour(two, one);
  return Promise.all([closed(one, two), closed(two, one)]).then(() => {});
}

/**
 * Like `pipe`, but of the pieces that come in one turn of the loop a socket gets the first at once
 * and the others together: each write of its own would be a call of the system.
 */
function pour(from: Duplex, to: Duplex): void {
  let gathering = false;
  const release = (): void => {
    gathering = false;
    to.uncork();
  };
  from.on('data', (chunk: Buffer) => {
    if (!to.writable) return;
    if (!to.write(chunk)) from.pause();
    if (gathering || !(to instanceof Socket)) return;
    gathering = true;
    to.cork();
    setImmediate(release);
  });
  to.on('drain', () => from.resume());
  from.once('end', () => to.end());
}

/** Lets a peer's stream go on to another node, which accepts or refuses in its own words. */
export async function passOn({ stream, accept }: StreamRequest, next: Stream): Promise<void> {
  const over = relay(stream, next);
  accept(await next.accepted());
  await over;
}

function closed(end: Duplex, other: Duplex): Promise<void> {
  end.on('error', () => {});
  return new Promise((resolve) => {
    const over = (): void => {
      if (!end.readableEnded || !end.writableFinished) breakOff(other, end.errored);
      resolve();
    };
    if (end.closed) over();
    else end.once('close', over);
  });
}

/** A socket is reset, not ended: its reader must not take a broken transfer for a whole one. */
function breakOff(end: Duplex, error: unknown): void {
  if (end.destroyed) return;
  // One of this machine's own files cannot be reset.
  if (end instanceof Socket && end.remoteFamily !== undefined) {
    end.resetAndDestroy();
    return;
  }
  const { code, text, retry } = failureOf(error);
  end.destroy(new Failed(code, text, retry));
}
