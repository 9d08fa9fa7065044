import { mkdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type REPLServer, Recoverable, start } from 'node:repl';
import vm from 'node:vm';
import { isUnfinished, scriptOf } from '../api/shell/inside.ts';
import type { Shell } from '../client/shell.ts';
import { exits, explain } from './exits.ts';
import type { Screen } from './screen.ts';
import { type Call, isOn } from './verb.ts';

const HISTORY_LINES = 1_000;

/** Lets an operator look inside a node: what is typed here is run there. */
export async function run({ args, options, screen, client }: Call): Promise<number> {
  const write = isOn(options, 'write');
  const shell = await (await client()).shell({
    write,
    columns: screen.columns,
    ...(args[0] !== undefined && { node: args[0] }),
  });
  try {
    return await (process.stdin.isTTY ? typed(shell, screen, write) : piped(shell, screen));
  } finally {
    shell.close();
    process.stdin.destroy();
  }
}

/** Line after line; what goes wrong is told, and the next line is run nevertheless. */
async function piped(shell: Shell, screen: Screen): Promise<number> {
  let code: number = exits.good;
  let source = '';
  const told = (text: string): void => {
    screen.note(text);
    code = exits.fault;
  };
  for await (const line of createInterface({ input: process.stdin })) {
    source += `${line}\n`;
    if (source.trim() === '') continue;
    const { is, text } = await shell.run(source);
    if (is === 'more') continue;
    source = '';
    if (is === 'error') told(text);
    else if (text !== '') screen.print(text);
  }
  if (source.trim() !== '') told('the last line is not whole');
  return code;
}

/** Node's own REPL has the lines, their history and the keys; only running them is elsewhere. */
async function typed(shell: Shell, screen: Screen, write: boolean): Promise<number> {
  let code: number = exits.good;
  let running = 0;
  screen.note(
    `${shell.node}: ${write ? 'calls change things' : 'nothing can be changed'}; .exit leaves`,
  );
  const repl = start({
    prompt: `${shell.node}${write ? '!' : ''}> `,
    ignoreUndefined: true,
    preview: false,
    writer: String,
    completer: (line: string, done: Completed) =>
      void shell.complete(line).then(
        ({ names, of }) => done(null, [[...names], of]),
        () => done(null, [[], line]),
      ),
    eval(source, _context, _file, done) {
      // Asked here, since further lines may have been pasted with it.
      if (isOpen(source)) return done(new Recoverable(new SyntaxError('there is more')), null);
      running += 1;
      shell.run(source.trim() === '' ? '0, undefined' : source).then(
        ({ text }) => {
          running -= 1;
          done(null, text === '' ? undefined : text);
        },
        (error: unknown) => {
          code = explain(screen, error);
          repl.close();
        },
      );
    },
  });
  remember(repl);
  interruptible(repl, () => running > 0 && void shell.interrupt().catch(() => {}) === undefined);
  await new Promise<void>((resolve) => repl.once('exit', resolve));
  return code;
}

type Completed = (error: Error | null, found?: [string[], string]) => void;

function isOpen(source: string): boolean {
  try {
    scriptOf(vm, source);
    return false;
  } catch (error) {
    return isUnfinished(error, source);
  }
}

/** Ctrl-C leaves what runs; where nothing does it is what it is to Node. */
function interruptible(repl: REPLServer, interrupted: () => boolean): void {
  const usual = repl.listeners('SIGINT');
  repl.removeAllListeners('SIGINT');
  repl.on('SIGINT', () => {
    if (!interrupted()) for (const each of usual) each.call(repl);
  });
}

/** Node makes the file for its owner alone; without one there is no history but this one. */
function remember(repl: REPLServer): void {
  const directory = join(homedir(), '.swm');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const filePath = join(directory, 'shell_history');
  repl.setupHistory({ filePath, size: HISTORY_LINES }, () => {});
}
