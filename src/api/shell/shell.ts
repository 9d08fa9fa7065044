import { levels } from '../../platform/log.ts';
import { drained, type Stream } from '../../platform/stream.ts';
import type { StreamHandler } from '../../platform/streams.ts';
import { Failed, Malformed } from '../../protocol/errors.ts';
import { type ExecFrame, encodeExecFrame, execFrames } from '../../protocol/exec-frame.ts';
import { limits } from '../../protocol/limits.ts';
import type { AuditRow } from '../../protocol/user-shapes.ts';
import type { Who } from '../../protocol/who.ts';
import type { Level, LogLevel, Millis } from '../../runtime/ports.ts';
import { endSession } from '../ask-session.ts';
import type { Audited } from '../audited.ts';
import { callsOf, READS_ONLY } from './calls.ts';
import { looks, pathsOf, type Sight } from './look.ts';
import { ShellProcess } from './process.ts';

export type ShellSetup = Sight & {
  /** Notes each line before it is run. */
  readonly noted: (row: AuditRow) => void;
  /** Notes what calls change, as those of all terminals. */
  readonly audited: Audited | undefined;
  readonly level: LogLevel;
  readonly now: () => Millis;
};

const kinds = { value: 'V', error: 'E', more: 'M' } as const;
const COLUMNS = 80;

/**
 * Lets operators look inside this very node: a stream of kind `shell`, with the frames of
 * protocol/exec-frame.ts. There: `L`, what was typed; `C`, what is to be completed; `K`, to leave
 * what runs. Back, an answer to each but the last: `V` what it gave, `E` what went wrong, `M` for
 * what is not yet whole; `C` what it may go on as, as JSON.
 */
export function serveShells(setup: ShellSetup): StreamHandler {
  let open = 0;
  let opened = 0;
  return async ({ who, body, stream, accept }) => {
    if (who.door !== 'operator')
      throw new Failed('forbidden', 'only operators may look inside a node');
    if (open >= limits.shellsMax)
      throw new Failed('busy', `${limits.shellsMax} shells are open on ${setup.node.name} already`);
    const { write = false, columns = COLUMNS } = body as Readonly<Record<string, unknown>>;
    if (typeof write !== 'boolean') throw new Malformed('$.write', 'true or false');
    const width = typeof columns === 'number' && columns >= COLUMNS ? columns : COLUMNS;
    open += 1;
    opened += 1;
    const session = `${who.id.slice(0, 8)}-shell-${opened}`;
    const speaker = { user: who, from: '', session };
    const { node, audited } = setup;
    // Sessions live on heads alone.
    const calls = setup.raft && callsOf({ node, speaker, write, audited });
    const level = levelOf(setup.level, write);
    const answers = new Map([...looks(setup), ...(calls ?? []), ['log.level', level] as const]);
    const shell = new ShellProcess(answers, width);
    stream.once('close', () => {
      open -= 1;
      shell.close();
      if (calls !== undefined) endSession(node, session);
    });
    accept({ node: node.name });
    const note = (text: string): void => noteLine(setup, who, 'shell', text);
    await new Talk(setup, shell, stream, note).listen();
  };
}

/** Notes all of what was typed, however long it is. */
export function noteLine(
  { noted, now }: Pick<ShellSetup, 'noted' | 'now'>,
  { id, door }: Who,
  what: string,
  text: string,
): void {
  const row = { who: id, door, from: '', what };
  for (let from = 0; from < text.length; from += limits.auditCharsMax) {
    const of = text.slice(from, from + limits.auditCharsMax);
    noted({ at: now(), ...row, of, result: 'begun' });
  }
}

const levelOf =
  (level: LogLevel, write: boolean) =>
  (wanted?: unknown): Level => {
    if (wanted === undefined) return level();
    if (!write) throw new Failed('forbidden', READS_ONLY);
    const found = levels.find((each) => each === wanted);
    if (found === undefined) throw new Failed('malformed', `one of ${levels.join(', ')}`);
    return level(found);
  };

/** One shell's stream: what is typed while something runs waits, but for what ends that. */
class Talk {
  readonly #setup: ShellSetup;
  readonly #shell: ShellProcess;
  readonly #stream: Stream;
  readonly #note: (line: string) => void;
  #before = Promise.resolve();
  #waiting = 0;

  constructor(
    setup: ShellSetup,
    shell: ShellProcess,
    stream: Stream,
    note: (line: string) => void,
  ) {
    this.#setup = setup;
    this.#shell = shell;
    this.#stream = stream;
    this.#note = note;
  }

  async listen(): Promise<void> {
    const frames = execFrames();
    for await (const piece of this.#stream as AsyncIterable<Uint8Array>)
      for (const frame of frames(piece)) this.#hear(frame);
    await this.#before;
    this.#stream.end();
  }

  #hear({ kind, bytes }: ExecFrame): void {
    // What came just before it has begun by then.
    if (kind === 'K') return void setImmediate(() => this.#shell.interrupt());
    if (kind !== 'L' && kind !== 'C') throw new Malformed('$', 'a frame of a shell');
    if (bytes.length > limits.shellSourceBytesMax)
      throw new Malformed('$', `at most ${limits.shellSourceBytesMax} bytes at once`);
    if (this.#waiting >= limits.shellAsksMax) throw new Failed('busy', 'too much at once');
    this.#waiting += 1;
    const text = new TextDecoder().decode(bytes);
    this.#before = this.#before
      .then(() => (kind === 'L' ? this.#run(text) : this.#complete(text)))
      .catch((error: Error) => void this.#stream.destroy(error))
      .finally(() => {
        this.#waiting -= 1;
      });
  }

  async #run(source: string): Promise<void> {
    if (this.#stream.destroyed) return;
    this.#note(source.trimEnd());
    const { kind, text } = await this.#shell.run(source);
    await this.#say(kinds[kind], text);
  }

  /** A path in quotes is completed by those that live. */
  async #complete(text: string): Promise<void> {
    const path = /\(\s*['"`](\/[^'"`]*)$/.exec(text)?.[1];
    const { names, of } =
      path === undefined
        ? await this.#shell.complete(text)
        : { names: pathsOf(this.#setup.node, path), of: path };
    await this.#say('C', JSON.stringify([names, of]));
  }

  async #say(kind: string, text: string): Promise<void> {
    if (this.#stream.destroyed) return;
    const bytes = new TextEncoder().encode(text).subarray(0, limits.execFrameBytesMax);
    if (!this.#stream.write(encodeExecFrame(kind, bytes))) await drained(this.#stream);
  }
}
