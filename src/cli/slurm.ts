import { commandOf } from './slurm/commands.ts';
import type { Call } from './verb.ts';

/** Does what one of Slurm's commands would do, whose words stand behind a `--`. */
export async function run(call: Call): Promise<number> {
  const [name = '', ...words] = call.args;
  return (await commandOf(name))(call, call.behind ?? words);
}
