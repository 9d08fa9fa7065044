import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { userInfo } from 'node:os';
import type { Readable } from 'node:stream';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Disk } from '../input-files.ts';
import type { Account } from './account.ts';
import { becomeProgram, readerProgram } from './reader-program.ts';

/** This machine's disk, as a local account may read it. One question at a time. */
export type LocalDisk = Disk & {
  /** The bytes of a file. */
  read(path: string): AsyncGenerator<Buffer, void>;
  close(): void;
};

let open = 0;

/**
 * Starts a process of that account, which reads for us until it is closed or the signal aborts.
 * Without an account it is ours. Paths that are not absolute begin where the account is at home.
 */
export async function openLocalDisk(
  account: Account | undefined,
  signal: AbortSignal,
): Promise<LocalDisk> {
  const child = start(account, signal);
  const answers = answersOf(child.stdout, account?.name ?? userInfo().username);
  const directory = await answers.field();
  let questions = 0;
  const ask: Ask = async (what, path) => {
    questions += 1;
    if (questions > limits.localQuestionsMax) throw new Error('there are too many folders');
    if (path.includes('\0')) throw new Error('it is no path');
    child.stdin.write(`${what}\0${path}\0`);
    await answers.yes();
  };
  return { directory, ...diskBy(ask, answers), close: () => void child.kill('SIGKILL') };
}

function start(account: Account | undefined, signal: AbortSignal) {
  if (open >= limits.localReadersMax)
    throw new Failed('busy', 'files are read for too many others', true);
  open += 1;
  const child = spawn('perl', wordsFor(account), {
    cwd: '/',
    env: { PATH: process.env['PATH'], LC_ALL: 'C' },
    stdio: ['pipe', 'pipe', 'ignore'],
    signal,
    killSignal: 'SIGKILL',
  });
  child.once('close', () => (open -= 1));
  // Whoever waits for an answer hears of it.
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  return child;
}

const wordsFor = (account: Account | undefined): string[] => {
  const reader = ['-e', readerProgram];
  if (account === undefined) return reader;
  const { uid, gid, groups } = account;
  return ['-e', becomeProgram, `${uid}`, `${gid}`, groups.join(' '), 'perl', ...reader];
};

type Ask = (what: 'look' | 'list' | 'read', path: string) => Promise<void>;

function diskBy(
  ask: Ask,
  answers: Answers,
): Pick<LocalDisk, 'list' | 'kindOf' | 'summed' | 'read'> {
  let summedBytes = 0;
  const look = async (path: string) => {
    await ask('look', path);
    const kind = (await answers.field()) as Awaited<ReturnType<Disk['kindOf']>>;
    return { kind, mode: await answers.count(0o777) };
  };
  async function* read(path: string): AsyncGenerator<Buffer, void> {
    await ask('read', path);
    for (;;) {
      const length = await answers.count(limits.localPartBytesMax);
      if (length === 0) return;
      yield await answers.bytes(length);
    }
  }
  return {
    read,
    async list(folder) {
      await ask('list', folder);
      const found: { name: string; isFolder: boolean }[] = [];
      for (let left = await answers.count(limits.localFolderMax); left > 0; left--) {
        const isFolder = (await answers.field()) === 'folder';
        found.push({ name: await answers.field(), isFolder });
      }
      return found;
    },
    kindOf: async (path) => (await look(path)).kind,
    async summed(path) {
      const { mode } = await look(path);
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const chunk of read(path)) {
        bytes += chunk.length;
        summedBytes += chunk.length;
        if (summedBytes > limits.localInputBytesMax) throw new Error('all of it is too large');
        hash.update(chunk);
      }
      return { sha256: hash.digest('hex'), bytes, mode };
    },
  };
}

type Answers = ReturnType<typeof answersOf>;

/** What a reader says, in the order in which it was asked. Errors have words for the user. */
function answersOf(from: Readable, account: string) {
  const parts = from[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest = Buffer.alloc(0);
  const more = async (): Promise<void> => {
    const next = await parts.next().catch(() => ({ done: true, value: rest }) as const);
    if (next.done === true) throw new Failed('unreachable', 'what reads for the account has ended');
    rest = Buffer.concat([rest, next.value]);
  };
  /** Other processes of the account may have their hands in it: nothing more is believed. */
  const odd = (): Failed => {
    from.destroy();
    rest = Buffer.alloc(0);
    return new Failed('unreachable', 'what reads for the account cannot be understood');
  };
  const bytes = async (count: number): Promise<Buffer> => {
    while (rest.length < count) await more();
    const taken = rest.subarray(0, count);
    rest = rest.subarray(count);
    return taken;
  };
  const field = async (): Promise<string> => {
    for (;;) {
      const end = rest.indexOf(0);
      if (end >= 0) return (await bytes(end + 1)).subarray(0, end).toString();
      if (rest.length > limits.localFieldBytesMax) throw odd();
      await more();
    }
  };
  const refusal = async (): Promise<Error> =>
    new Error(`${await field()}, as the account ${account}`);
  return {
    bytes,
    field,
    async yes(): Promise<void> {
      if ((await field()) === 'no') throw await refusal();
    },
    /** A count of the answer, or why there is no more of it. */
    async count(max: number): Promise<number> {
      const said = await field();
      if (said === 'no') throw await refusal();
      if (!/^\d{1,9}$/.test(said) || Number(said) > max) throw odd();
      return Number(said);
    },
  };
}
