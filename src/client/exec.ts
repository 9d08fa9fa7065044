import { Failed, failure } from '../protocol/errors.ts';
import { encodeExecFrame, execFrames } from '../protocol/exec-frame.ts';
import type { Window } from '../protocol/exec-wish.ts';
import type { Opening } from './resume.ts';
import type { Stream } from './stream.ts';

export type ExecOptions = {
  /** Beside which of the job's processes; 0, the main one, unless given. */
  readonly rank?: number;
  /** Gives it a terminal of that size; pipes unless given. */
  readonly window?: Window;
};

/** What a command printed; with a terminal all of it is `stdout`. */
export type Printed = { readonly from: 'stdout' | 'stderr'; readonly bytes: Uint8Array };

/**
 * A command inside a job. It is killed when it is left: by `kill`, by leaving `read` early, or by
 * the end of the connection, since nobody could give it what it missed.
 */
export type Execution = {
  /** Resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Nothing more will be written to it. */
  end(): Promise<void>;
  resize(columns: number, rows: number): Promise<void>;
  /** What it prints, to its end; the exit code comes last, as a shell would have it. */
  read(): AsyncGenerator<Printed, number, void>;
  kill(): void;
};

const WRITE_BYTES = 64 << 10;

/** Runs a command inside a job; resolves once it was let in. No words: a login shell. */
export async function exec(
  { lines, connectMs }: Opening,
  job: string,
  words: readonly string[],
  { rank = 0, window }: ExecOptions,
): Promise<Execution> {
  const line = await lines.get(connectMs);
  const stream = line.open('job.exec', { job, rank, words, window: window ?? null });
  await stream.accepted();
  const say = (kind: string, bytes: Uint8Array): Promise<void> =>
    stream.write(encodeExecFrame(kind, bytes));
  return {
    write: async (bytes) => {
      for (let at = 0; at < bytes.length; at += WRITE_BYTES)
        await say('I', bytes.subarray(at, at + WRITE_BYTES));
    },
    end: () => say('I', new Uint8Array(0)),
    resize: (columns, rows) => say('W', new TextEncoder().encode(`${columns} ${rows}`)),
    read: () => printed(stream),
    kill: () => stream.reset(failure('refused', 'it was left')),
  };
}

async function* printed(stream: Stream): AsyncGenerator<Printed, number, void> {
  const frames = execFrames();
  let code: number | undefined;
  for await (const piece of stream.read())
    for (const { kind, bytes } of frames(piece)) {
      if (kind === 'O') yield { from: 'stdout', bytes };
      if (kind === 'E') yield { from: 'stderr', bytes };
      if (kind === 'X') code = Number(new TextDecoder().decode(bytes));
    }
  stream.end();
  if (code === undefined) throw new Failed('lost', 'it ended, and nobody can tell how');
  return code;
}
