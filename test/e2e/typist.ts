import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { cleanup } from './lab.ts';

const SWM = join(import.meta.dirname, '..', '..', 'bin', 'swm');

type Running = {
  readonly child: ChildProcess;
  readonly out: () => string;
  readonly ended: Promise<number>;
};

/** The command, while it runs. */
export const begun = (...args: readonly string[]): Running => started(SWM, ...args);

function started(program: string, ...args: readonly string[]): Running {
  const child = spawn(program, args);
  cleanup(async () => void child.kill('SIGKILL'));
  let text = '';
  child.stdout.on('data', (part) => (text += part));
  child.stderr.on('data', (part) => (text += part));
  const ended = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)));
  return { child, out: () => text, ended };
}

/** The command under a pseudo-terminal of that size, and what types there. */
export function typist(...args: readonly string[]): Running & { type(text: string): void } {
  const words = [SWM, ...args].map((word) => `'${word}'`).join(' ');
  const command = `stty rows 33 cols 123; exec ${words}`;
  const { child, ...running } = started('script', '-qfec', command, '/dev/null');
  return { ...running, child, type: (text) => void child.stdin?.write(text) };
}
