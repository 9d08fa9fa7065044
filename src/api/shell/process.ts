import { type ChildProcess, spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type FromInside, type Given, insideSource, type Shown, type ToInside } from './inside.ts';

/** What is asked of the node, by its name; what it gives, or rejects with, is shown. */
export type Answers = ReadonlyMap<string, (...args: readonly unknown[]) => unknown>;

type Names = { readonly names: readonly string[]; readonly of: string };

/**
 * The process in which what is typed is run: the node's loop has no part in it, and its memory is
 * its own. It is killed when it computes for too long or needs too much: then the next line begins
 * anew, with none of the names of before.
 */
export class ShellProcess {
  readonly #answers: Answers;
  readonly #columns: number;
  #child: ChildProcess | undefined;
  #shown: ((shown: Shown) => void) | undefined;
  #completed: ((names: Names) => void) | undefined;
  #watch: NodeJS.Timeout | undefined;
  #isAlive = true;

  constructor(answers: Answers, columns: number) {
    this.#answers = answers;
    this.#columns = columns;
  }

  /** Runs one expression after the other. */
  run(source: string): Promise<Shown> {
    return new Promise((resolve) => {
      this.#shown = resolve;
      this.#guard();
      this.#tell({ is: 'run', source });
    });
  }

  complete(text: string): Promise<Names> {
    return new Promise((resolve) => {
      this.#completed = resolve;
      this.#guard();
      this.#tell({ is: 'complete', text });
    });
  }

  /** What waits is left; what computes is cut off by its time. */
  interrupt(): void {
    if (this.#shown !== undefined) this.#tell({ is: 'interrupt' });
  }

  close(): void {
    this.#end('the shell is closed');
  }

  #tell(told: ToInside): void {
    this.#child ??= this.#begun();
    // Whoever is gone is heard of by its exit.
    this.#child.send(told, () => {});
  }

  #begun(): ChildProcess {
    const given: Given = {
      names: [...this.#answers.keys()],
      evalMs: limits.shellEvalMs,
      asksMax: limits.shellAsksMax,
      charsMax: limits.shellShownCharsMax,
      namesMax: limits.shellNamesMax,
      columns: this.#columns,
    };
    const child = started();
    let why = 'cut off: its process ended, and its names are gone';
    child.on('message', (told) => this.#heard(child, told as FromInside));
    child.on('error', (error) => {
      why = `it cannot be run: ${error.message}`;
      if (child.pid === undefined && this.#child === child) this.#end(why);
    });
    child.on('exit', () => {
      if (this.#child === child) this.#end(why);
    });
    child.send({ is: 'begin', given } satisfies ToInside);
    return child;
  }

  #heard(child: ChildProcess, told: FromInside): void {
    if (this.#child !== child) return;
    if (told.is === 'pong') this.#isAlive = true;
    else if (told.is === 'ask') void this.#answer(child, told);
    else if (told.is === 'shown') this.#settle(told.shown);
    else {
      this.#completed?.(told);
      this.#completed = undefined;
      this.#unguard();
    }
  }

  async #answer(
    child: ChildProcess,
    { ask, what, text }: FromInside & { is: 'ask' },
  ): Promise<void> {
    const args = JSON.parse(text) as readonly unknown[];
    const given = await Promise.resolve()
      .then(() => this.#answers.get(what)?.(...args))
      .then(
        (value) => ({ ok: true, text: JSON.stringify(value) ?? '' }),
        (error: unknown) => ({ ok: false, text: wordsOf(error) }),
      );
    if (this.#child === child) this.#tell({ is: 'answer', ask, ...given });
  }

  /** While it is to do something it must answer in between, or be waiting. */
  #guard(): void {
    clearInterval(this.#watch);
    this.#isAlive = true;
    this.#watch = setInterval(() => {
      if (!this.#isAlive)
        return this.#end('cut off: it computed for too long, and its names are gone');
      this.#isAlive = false;
      this.#tell({ is: 'ping' });
    }, 2 * limits.shellEvalMs);
  }

  #unguard(): void {
    if (this.#shown === undefined && this.#completed === undefined) clearInterval(this.#watch);
  }

  #settle(shown: Shown): void {
    const told = this.#shown;
    this.#shown = undefined;
    this.#unguard();
    told?.(shown);
  }

  #end(why: string): void {
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
    this.#completed?.({ names: [], of: '' });
    this.#completed = undefined;
    this.#settle({ kind: 'error', text: why });
    clearInterval(this.#watch);
  }
}

/** Of a bug no more than that it is one. */
const wordsOf = (error: unknown): string => {
  if (error instanceof Failed) return `${error.failure.code}: ${error.failure.text}`;
  return error instanceof Error ? error.message : 'it failed';
};

/**
 * Nothing of Node's that reads files, starts programs or loads code is allowed in it. What a head
 * that was killed leaves computing is ended by the system.
 */
function started(): ChildProcess {
  const flags = ['--permission', `--max-old-space-size=${limits.shellMegabytesMax}`];
  const line = `ulimit -t ${limits.shellCpuSeconds}; ulimit -c 0; exec "$0" "$@"`;
  const child = spawn('/bin/sh', ['-c', line, process.execPath, ...flags, '-e', insideSource()], {
    cwd: '/',
    env: {},
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
  return child;
}
