import { limits } from '../protocol/limits.ts';
import { type Body, message, type Name, type Reply } from '../protocol/messages.ts';
import type { Watched, WatchRow } from '../protocol/watch-row.ts';
import { jsonClientCodec, plainClientCodec } from '../protocol/wire/codec-plain.ts';
import { ask, isOnce, isPassing } from './ask.ts';
import { type ExecOptions, type Execution, exec } from './exec.ts';
import { type FollowOptions, follow } from './follow.ts';
import { forward } from './forward.ts';
import { Lines, pauseMs } from './lines.ts';
import { type Shell, type ShellOptions, shell } from './shell.ts';
import type { Socket } from './socket.ts';
import type { Stream } from './stream.ts';
import { type Chunks, download, type Progress, type Ref, upload } from './transfer.ts';
import { type WatchOptions, watch } from './watch.ts';

export type ClientOptions = {
  /** Opens a socket to a head, by its number from 0 on; throws `Failed`. */
  readonly open: (head: number) => Promise<Socket>;
  /** How many heads there are to go to when one is lost, or does not answer; 1 unless given. */
  readonly heads?: number;
  /** What the socket speaks; JSON has no streams. MessagePack unless given. */
  readonly subprotocol?: 'swm.v1+msgpack' | 'swm.v1+json';
  /** How long a call may take, connecting and trying again included; 30 s unless given. */
  readonly callMs?: number;
  /** How long to try for a connection before a call fails; as long as a call unless given. */
  readonly connectMs?: number;
  readonly onState?: (up: boolean, why: string) => void;
};

export type CallOptions = { readonly ms?: number };

/**
 * Speaks with swm as one user. It connects when it is first used, and again when the connection is
 * lost; what is safe to repeat is repeated, within the deadline of the call. With several heads it
 * goes to the next one when one is lost or silent, and asks a second one when the first keeps it
 * waiting. All that goes wrong is a `Failed`, whose `failure` has a code of the table of errors.
 */
export type Client = {
  call<N extends Name>(name: N, body: Body<N>, options?: CallOptions): Promise<Reply<N>>;
  /** All that is there, then a row with the key '', then changes, without end. */
  watch(what: Watched, options?: WatchOptions): AsyncGenerator<WatchRow, void, void>;
  /** The bytes of a job's log from an offset on; while it runs, to its end, if so wished. */
  follow(id: string, options?: FollowOptions): AsyncGenerator<Uint8Array, void, void>;
  /** Brings a file there, and resolves when it is kept. What is there already is not sent. */
  upload(ref: Ref, chunks: Chunks, progress?: Progress): Promise<void>;
  /** The bytes of a file from an offset on. Whoever reads checks the sum. */
  download(ref: Ref, offset?: number): AsyncGenerator<Uint8Array, void, void>;
  /**
   * A connection to an `in` port of a job that runs: written to and read from, each to its end. It
   * is over when the connection to the head is lost; whoever wants another forwards again.
   */
  forward(id: string, port: number): Promise<Stream>;
  /** Runs a command inside a job that runs; without words, a login shell. */
  exec(id: string, words: readonly string[], options?: ExecOptions): Promise<Execution>;
  /** Opens a shell on a node, the head that answers unless it is named; for operators. */
  shell(options?: ShellOptions): Promise<Shell>;
  close(): void;
};

export function connect(options: ClientOptions): Client {
  const callMs = options.callMs ?? limits.callMs;
  const connectMs = options.connectMs ?? callMs;
  const lines = new Lines({
    open: options.open,
    heads: Math.max(1, options.heads ?? 1),
    codec: options.subprotocol === 'swm.v1+json' ? jsonClientCodec : plainClientCodec,
    onState: options.onState ?? (() => {}),
  });
  const opening = { lines, connectMs };
  return {
    call: (name, body, { ms = callMs } = {}) => call(lines, name, body, ms, connectMs),
    watch: (what, wanted = {}) => watch(opening, what, wanted),
    follow: (id, wanted = {}) => follow(opening, id, wanted),
    upload: (ref, chunks, progress = () => {}) => upload(opening, ref, chunks, progress),
    download: (ref, offset = 0) => download(opening, ref, offset),
    forward: (id, port) => forward(opening, id, port),
    exec: (id, words, wanted = {}) => exec(opening, id, words, wanted),
    shell: (wanted = {}) => shell(opening, wanted),
    close: () => lines.close(),
  };
}

async function call<N extends Name>(
  lines: Lines,
  name: N,
  asked: Body<N>,
  ms: number,
  connectMs: number,
): Promise<Reply<N>> {
  const untilMs = Date.now() + ms;
  const question = message(name, keyed(name, asked));
  for (let tries = 0; ; tries += 1) {
    const line = await lines.get(Math.min(connectMs, Math.max(1, untilMs - Date.now())));
    try {
      return (await ask(lines, line, question, untilMs)) as Reply<N>;
    } catch (error) {
      const pause = againMs(lines, tries);
      if (!isPassing(error) || Date.now() + pause >= untilMs) throw error;
      if (isOnce(name) && error.failure.code !== 'busy') throw error;
      await lines.timers.sleep(pause).over;
    }
  }
}

/** Where there are several heads another one leads soon: whoever waits too long misses that. */
const againMs = ({ heads }: Lines, tries: number): number =>
  heads > 1 ? Math.min(pauseMs(tries), limits.hedgeMs) : pauseMs(tries);

/** With a key, a submit that was said twice is one job. */
function keyed<N extends Name>(name: N, body: Body<N>): Body<N> {
  if (name !== 'job.submit' || (body as Body<'job.submit'>).key !== undefined) return body;
  return { ...body, key: crypto.randomUUID() };
}
