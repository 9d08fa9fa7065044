import { exits } from './exits.ts';
import { planRows } from './foresight.ts';
import { harmless } from './screen.ts';
import { edited, readScript } from './submit.ts';
import { pairs } from './table.ts';
import type { Call } from './verb.ts';

/** Says what would become of a script if it were submitted now; nothing is kept of it. */
export async function run(call: Call): Promise<number> {
  const { args, screen, client } = call;
  const file = args[0]!;
  const { script } = edited(call, file, await readScript(file));
  const plan = await (await client()).call('job.plan', { script, file });
  if (screen.json) screen.printJson(plan);
  else {
    const rows = planRows(plan, Date.now()).filter(([, value]) => value !== '');
    for (const line of pairs(rows)) screen.print(harmless(line));
  }
  return exits.good;
}
