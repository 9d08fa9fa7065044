import { exits } from './exits.ts';
import { named } from './task-ids.ts';
import type { Call } from './verb.ts';

/** Runs a job again under the same id. */
export async function run({ args, screen, client }: Call): Promise<number> {
  const requeued = await (await client()).call('job.requeue', named(args[0]!));
  if (screen.json) screen.printJson(requeued);
  else {
    screen.print(requeued.id);
    screen.note(`run ${requeued.run}`);
  }
  return exits.good;
}
