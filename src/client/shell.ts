import { Failed, failure } from '../protocol/errors.ts';
import { type ExecFrame, encodeExecFrame, execFrames } from '../protocol/exec-frame.ts';
import type { Opening } from './resume.ts';
import type { Stream } from './stream.ts';

export type ShellOptions = {
  /** Whether calls that change something are let through; no unless given. */
  readonly write?: boolean;
  /** Another node than the head that answers. */
  readonly node?: string;
  /** How wide what is shown may be. */
  readonly columns?: number;
};

/** What a line gave: `more`: it is not yet whole. */
export type Shown = { readonly is: 'value' | 'error' | 'more'; readonly text: string };

/** A shell on one node, for operators. Its names are gone with the connection. */
export type Shell = {
  /** The node that answers. */
  readonly node: string;
  run(source: string): Promise<Shown>;
  /** What the end of a line, `of`, may go on as. */
  complete(text: string): Promise<{ readonly names: readonly string[]; readonly of: string }>;
  /** Leaves what runs. */
  interrupt(): Promise<void>;
  close(): void;
};

const kinds: Readonly<Record<string, Shown['is']>> = { V: 'value', E: 'error', M: 'more' };

/** Opens a shell; resolves once it was let in. */
export async function shell({ lines, connectMs }: Opening, options: ShellOptions): Promise<Shell> {
  const line = await lines.get(connectMs);
  const stream = line.open('shell', { ...options });
  const { node = '' } = (await stream.accepted()) as { readonly node?: string };
  const say = (kind: string, text: string): Promise<void> =>
    stream.write(encodeExecFrame(kind, new TextEncoder().encode(text)));
  const frames = framesOf(stream);
  const ask = async (kind: string, text: string): Promise<ExecFrame> => {
    await say(kind, text);
    const { value } = await frames.next();
    if (value === undefined) throw new Failed('unreachable', 'the shell has ended');
    return value;
  };
  const textOf = ({ bytes }: ExecFrame): string => new TextDecoder().decode(bytes);
  return {
    node,
    async run(source) {
      const frame = await ask('L', source);
      return { is: kinds[frame.kind] ?? 'error', text: textOf(frame) };
    },
    async complete(text) {
      const [names, of] = JSON.parse(textOf(await ask('C', text))) as [string[], string];
      return { names, of };
    },
    interrupt: () => say('K', ''),
    close: () => stream.reset(failure('refused', 'it was left')),
  };
}

/** Questions are put one at a time or more, and answered in their order. */
async function* framesOf(stream: Stream): AsyncGenerator<ExecFrame, undefined, void> {
  const frames = execFrames();
  for await (const piece of stream.read()) yield* frames(piece);
  return undefined;
}
