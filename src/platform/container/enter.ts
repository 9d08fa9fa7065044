import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Exec } from 'dockerode';
import { Failed } from '../../protocol/errors.ts';
import { encodeExecFrame, execFrames } from '../../protocol/exec-frame.ts';
import { bearers, signal } from '../process/being.ts';
import type { Entered, EnterWish } from '../process/exec.ts';
import { drained, type Stream } from '../stream.ts';
import { nameOf } from './blueprint.ts';
import { engineFailed, type FindEngine } from './engine.ts';

/** In the environment of all that one command starts, so that it can be found: engines end none. */
const ENTRY = 'SWM_ENTRY';
const LOOK_MS = 20;
const LOGIN = ['/bin/sh', '-c', 'exec "$(command -v bash || echo sh)" -l'];

/**
 * Runs a command inside the container of an attempt, over a stream, as `enter` of process/exec.ts
 * does where there is none.
 */
export async function enterContainer(
  find: FindEngine,
  { wish, member, over }: Entered,
  stream: Stream,
  accept: () => void,
): Promise<void> {
  const mark = { [ENTRY]: randomUUID() };
  const { exec, io } = await begin(find, wish, { ...member.marks, ...mark }, member.record);
  accept();
  const gone = (): void => void io.destroy();
  const ended = (): void => {
    stream.destroy(new Failed('wrong_phase', `job ${wish.job} runs no more`));
  };
  io.on('error', () => {});
  stream.once('close', gone);
  over.addEventListener('abort', ended);
  if (stream.destroyed) gone();
  try {
    say(exec, io, stream, wish.window !== null).then(gone, gone);
    await print(io, stream, wish.window !== null);
    const code = await codeOf(exec);
    await clear(exec, mark);
    stream.end(encodeExecFrame('X', Buffer.from(`${code}`)));
  } catch (error) {
    if (!stream.destroyed) stream.destroy(error as Error);
  } finally {
    over.removeEventListener('abort', ended);
    await clear(exec, mark).catch(() => {});
  }
}

async function begin(
  find: FindEngine,
  { words, window }: EnterWish,
  marks: Readonly<Record<string, string>>,
  record: string,
): Promise<{ readonly exec: Exec; readonly io: Duplex }> {
  const Tty = window !== null;
  const term = window === null || window.term === '' ? {} : { TERM: window.term };
  const env = Object.entries({ ...marks, ...term });
  try {
    const { docker } = await find();
    const exec = await docker.getContainer(nameOf(record)).exec({
      Cmd: words.length === 0 ? LOGIN : [...words],
      Env: env.map(([name, value]) => `${name}=${value}`),
      AttachStdin: true,
      AttachStdout: true,
      AttachStderr: true,
      Tty,
      ...(window !== null && { ConsoleSize: [window.rows, window.columns] }),
    });
    const io = await exec.start({ hijack: true, stdin: true, Tty });
    if (window !== null) await exec.resize({ w: window.columns, h: window.rows }).catch(() => {});
    return { exec, io };
  } catch (error) {
    throw engineFailed(error, 'the container engine does not run it');
  }
}

/** Passes on what is typed, until whoever types has left. */
async function say(exec: Exec, io: Duplex, stream: Stream, isTty: boolean): Promise<void> {
  const frames = execFrames();
  for await (const piece of stream)
    for (const { kind, bytes } of frames(piece as Uint8Array)) {
      if (kind === 'W') await resize(exec, new TextDecoder().decode(bytes));
      if (kind !== 'I' || io.destroyed) continue;
      if (bytes.length === 0) isTty ? io.write('\x04') : io.end();
      else if (!io.write(bytes)) await Promise.race([once(io, 'drain'), once(io, 'close')]);
    }
}

async function resize(exec: Exec, text: string): Promise<void> {
  const [, w, h] = /^(\d{1,5}) (\d{1,5})$/.exec(text) ?? [];
  if (w !== undefined) await exec.resize({ w: Number(w), h: Number(h) }).catch(() => {});
}

async function print(io: Duplex, stream: Stream, isTty: boolean): Promise<void> {
  for await (const [kind, bytes] of isTty ? plain(io) : apart(io))
    if (!stream.write(encodeExecFrame(kind, bytes))) await drained(stream);
}

type Part = readonly [kind: 'O' | 'E', bytes: Uint8Array];

async function* plain(io: Duplex): AsyncGenerator<Part, void, void> {
  for await (const chunk of io) yield ['O', chunk as Buffer];
}

/** As engines mix two outputs: which it is, three bytes of nothing, four of length. */
async function* apart(io: Duplex): AsyncGenerator<Part, void, void> {
  let kept = Buffer.alloc(0);
  for await (const chunk of io) {
    kept = Buffer.concat([kept, chunk as Buffer]);
    while (kept.length >= 8 && kept.length >= 8 + kept.readUInt32BE(4)) {
      const end = 8 + kept.readUInt32BE(4);
      yield [kept[0] === 2 ? 'E' : 'O', kept.subarray(8, end)];
      kept = kept.subarray(end);
    }
  }
}

async function codeOf(exec: Exec): Promise<number> {
  for (;;) {
    const { Running, ExitCode } = await exec.inspect();
    if (!Running) return ExitCode ?? 0;
    await sleep(LOOK_MS);
  }
}

/** Kills all that is left of it, until there is nothing. */
async function clear(exec: Exec, mark: Readonly<Record<string, string>>): Promise<void> {
  for (;;) {
    const left = bearers(mark);
    for (const pid of left) signal(pid, 'SIGKILL');
    const isRunning = left.length > 0 || (await exec.inspect()).Running;
    if (!isRunning) return;
    await sleep(LOOK_MS);
  }
}
