import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { quotedWord } from '../protocol/jobscript/words.ts';
import { exits, Usage } from './exits.ts';
import { commandNames } from './slurm/commands.ts';
import type { Call } from './verb.ts';

/** Writes commands of Slurm's names that call this swm; those of others are left as they are. */
export async function run({ args, screen }: Call): Promise<number> {
  const directory = resolve(args[0]!);
  try {
    await mkdir(directory, { recursive: true });
    for (const name of commandNames) {
      await writeFile(join(directory, name), wrapper(name), { flag: 'wx' });
      await chmod(join(directory, name), 0o755);
    }
  } catch (error) {
    throw new Usage(`swm: ${(error as Error).message}`);
  }
  if (screen.json) screen.printJson({ directory, commands: commandNames });
  else for (const name of commandNames) screen.print(join(directory, name));
  return exits.good;
}

const wrapper = (name: string): string => `#!/bin/sh
# ${name} for who comes from Slurm, by \`swm slurm-shim\`.
exec ${quotedWord(ownPath())} slurm ${name} -- "$@"
`;

/** The command that we are: a checkout has it two folders up, what is installed one. */
function ownPath(): string {
  const places = ['../../bin/swm', '../bin/swm'].map((place) =>
    resolve(import.meta.dirname, place),
  );
  return places.find((place) => existsSync(place)) ?? 'swm';
}
