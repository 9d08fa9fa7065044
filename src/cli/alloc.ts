import { constants } from 'node:os';
import type { Client } from '../client/client.ts';
import { asksOf } from './asks.ts';
import { runInside } from './exec.ts';
import { exits } from './exits.ts';
import { holder, holding } from './holding.ts';
import { rowsOf, untilRuns } from './running-job.ts';
import { overridden } from './script-edit.ts';
import { type Call, isOn, textOf } from './verb.ts';

/**
 * Gets nodes, opens a shell there or runs a command, and gives them back, also when it is
 * interrupted. It ends as the shell or the command does.
 */
export function run(call: Call): Promise<number> {
  const { options } = call;
  const overrides = { name: textOf(options, 'name'), env: {}, asks: asksOf(options) };
  const job = { script: overridden(holder('alloc'), overrides, {}), file: 'alloc' };
  return holding(call, job, interrupted(), (client, id) => inside(call, client, id));
}

async function inside(call: Call, client: Client, id: string): Promise<number> {
  await untilRuns(rowsOf(client, id), call.screen, id);
  const { args: words, options } = call;
  const tty = words.length === 0 || isOn(options, 'tty');
  return runInside({ ...call, args: [id] }, words, tty);
}

/** As a shell says it that was ended by a signal. */
const interrupted = (): Promise<number> =>
  new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.once(signal, () => resolve(exits.signal + constants.signals[signal]));
  });
