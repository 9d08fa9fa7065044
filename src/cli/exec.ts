import type { Execution } from '../client/exec.ts';
import { Failed } from '../protocol/errors.ts';
import type { Window } from '../protocol/exec-wish.ts';
import { exits, explain } from './exits.ts';
import { countOf } from './jobs.ts';
import { type Call, isOn, textOf } from './verb.ts';

/** Runs a command inside a job. */
export const run = (call: Call): Promise<number> =>
  runInside(call, call.args.slice(1), isOn(call.options, 'tty'));

/**
 * Runs it with our own stdin, stdout and stderr, and gives its exit code; where it is ours that
 * failed, `exits.ours`, which cannot be taken for the command's.
 */
export async function runInside(
  call: Call,
  words: readonly string[],
  tty: boolean,
): Promise<number> {
  const { args, options, screen, client } = call;
  const rank = countOf(textOf(options, 'rank'), 'rank') ?? 0;
  try {
    const open = await client();
    const { job } = await open.call('job.show', { id: args[0]! });
    const execution = await open.exec(job.id, words, { rank, ...(tty && { window: window() }) });
    const code = await joined(execution, tty);
    if (screen.json) screen.printJson({ id: job.id, exitcode: code });
    return code;
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    explain(screen, error);
    return exits.ours;
  }
}

const window = (): Window => ({
  columns: process.stdout.columns || 80,
  rows: process.stdout.rows || 24,
  term: process.env['TERM'] ?? '',
});

/** What is typed goes there as it is, also what would interrupt us; the size follows ours. */
async function joined(execution: Execution, tty: boolean): Promise<number> {
  const { stdin, stdout } = process;
  const isRaw = tty && stdin.isTTY === true;
  const resize = (): void => {
    const { columns, rows } = window();
    execution.resize(columns, rows).catch(() => {});
  };
  if (isRaw) stdin.setRawMode(true);
  if (tty) stdout.on('resize', resize);
  try {
    sendInput(execution);
    return await show(execution);
  } finally {
    stdout.off('resize', resize);
    if (isRaw) stdin.setRawMode(false);
    stdin.destroy();
  }
}

/** What fails here fails for whoever reads as well. */
function sendInput(execution: Execution): void {
  const { stdin } = process;
  stdin.on('error', () => {});
  stdin.on('data', (bytes: Buffer) => {
    stdin.pause();
    execution.write(bytes).then(
      () => stdin.resume(),
      () => {},
    );
  });
  stdin.once('end', () => void execution.end().catch(() => {}));
}

async function show(execution: Execution): Promise<number> {
  const printed = execution.read();
  for (;;) {
    const { value, done } = await printed.next();
    if (done === true) return value;
    await put(process[value.from], value.bytes);
  }
}

const put = (to: NodeJS.WriteStream, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve) => {
    if (to.write(bytes)) resolve();
    else to.once('drain', resolve);
  });
