import { constants } from 'node:os';
import type { Client } from '../client/client.ts';
import { Failed } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import { asksOf } from './asks.ts';
import { runInside } from './exec.ts';
import { exits, explain } from './exits.ts';
import { rowsOf, untilRuns } from './running-job.ts';
import { overridden } from './script-edit.ts';
import { type Call, isOn, textOf } from './verb.ts';
import { short } from './words.ts';

/** Nodes are held by it until it is ended, since all that is done there is done by others. */
const HOLDER = '#!/bin/sh\n#SWM name alloc\nexec tail -f /dev/null\n';

/**
 * Gets nodes, opens a shell there or runs a command, and gives them back: at its end, when it is
 * interrupted, and, since heads hear that it is there, also when it is killed. It ends as the
 * shell or the command does.
 */
export async function run(call: Call): Promise<number> {
  const { options, screen } = call;
  const overrides = { name: textOf(options, 'name'), env: {}, asks: asksOf(options) };
  const script = overridden(HOLDER, overrides, {});
  const left = interrupted();
  try {
    const client = await call.client();
    const body = { script, inputs: [], file: 'alloc', tied: true };
    const { id } = await client.call('job.submit', body);
    if (!screen.json) screen.note(`job ${short(id)} waits for its nodes`);
    const saying = setInterval(() => say(client, id), limits.tieAgainMs);
    try {
      return await Promise.race([inside(call, client, id), left]);
    } finally {
      clearInterval(saying);
      await client.call('job.cancel', { id }).catch(() => {}); // It may have ended already.
    }
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    const code = explain(screen, error);
    return code === exits.usage ? code : exits.ours;
  }
}

/** One word that is lost is followed by others. */
const say = (client: Client, id: string): void =>
  void client.call('job.tie', { id }, { ms: limits.tieAgainMs }).catch(() => {});

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
