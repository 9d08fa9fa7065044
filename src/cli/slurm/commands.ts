import { Usage } from '../exits.ts';
import type { Call } from '../verb.ts';

/** A command of Slurm's: what it is called with stands in the words. */
type Command = (call: Call, words: readonly string[]) => Promise<number>;
type Load = () => Promise<{ readonly run: Command }>;

const commands = {
  sacct: () => import('./sacct.ts'),
  sbatch: () => import('./sbatch.ts'),
  scancel: () => import('./scancel.ts'),
  scontrol: () => import('./scontrol.ts'),
  sinfo: () => import('./sinfo.ts'),
  squeue: () => import('./squeue.ts'),
  srun: () => import('./srun.ts'),
} as const satisfies Readonly<Record<string, Load>>;

export const commandNames: readonly string[] = Object.keys(commands);

export async function commandOf(name: string): Promise<Command> {
  if (!commandNames.includes(name))
    throw new Usage(
      `swm: ${name} is no command of Slurm's here; there are ${commandNames.join(', ')}`,
    );
  return (await commands[name as keyof typeof commands]()).run;
}
