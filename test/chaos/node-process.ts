import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { alive } from '../e2e/machine.ts';

const SWM = process.env['SWM_BIN'] ?? join(import.meta.dirname, '..', '..', 'bin', 'swm');

/** One node: a process of its own on a spool of its own, which may end and begin again. */
export type NodeProcess = {
  readonly name: string;
  readonly spool: string;
  /** 0 while it does not run. */
  readonly pid: number;
  /** All that it has said, in all its lives. */
  readonly log: string;
  /** Starts it, and resolves once it says that it is ready. Throws what it said instead. */
  start(): Promise<void>;
  /** Starts it, and gives its exit code and what it said. */
  fail(): Promise<{ readonly code: number; readonly text: string }>;
  /** Signals it; SIGKILL resolves once it is gone, others at once. */
  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void>;
};

const READY_MS = 30_000;

type Options = {
  readonly name: string;
  readonly spool: string;
  /** Keys of its configuration, as `--set` takes them. */
  readonly settings: Readonly<Record<string, string>>;
};

export function nodeProcess({ name, spool, settings }: Options): NodeProcess {
  let child: ChildProcess | undefined;
  let gone: Promise<number> = Promise.resolve(0);
  let log = '';
  const sets = Object.entries(settings).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const begin = (): void => {
    if (child !== undefined) throw new Error(`${name} runs already`);
    const begun = spawn(SWM, ['start', '--spool', spool, ...sets]);
    child = begun;
    for (const stream of [begun.stdout, begun.stderr])
      stream?.setEncoding('utf8').on('data', (part: string) => (log += part));
    gone = new Promise((resolve) =>
      begun.once('exit', (code) => {
        child = undefined;
        resolve(code ?? -1);
      }),
    );
  };
  return {
    name,
    spool,
    get pid() {
      return child?.pid ?? 0;
    },
    get log() {
      return log;
    },
    async start() {
      const from = log.length;
      begin();
      await new Promise<void>((resolve, reject) => {
        const failed = (why: string) => reject(new Error(`${name} ${why}: ${log.slice(from)}`));
        const late = setTimeout(() => failed('is not ready'), READY_MS);
        const look = (): void => {
          if (!/^ready /m.test(log.slice(from))) return;
          clearTimeout(late);
          resolve();
        };
        child?.stdout?.on('data', look);
        void gone.then((code) => {
          clearTimeout(late);
          failed(`ended with ${code}`);
        });
      });
    },
    async fail() {
      const from = log.length;
      begin();
      const code = await gone;
      return { code, text: log.slice(from) };
    },
    async signal(which) {
      const pid = child?.pid ?? 0;
      if (pid === 0 || !alive(pid)) return;
      process.kill(pid, which);
      if (which === 'SIGKILL') await gone;
    },
  };
}
