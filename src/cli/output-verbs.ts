import { slurmVerbs } from './slurm-verbs.ts';
import type { VerbRow } from './verb.ts';

/** What shells, programs and other habits want of the command. */
export const outputVerbs: readonly VerbRow[] = [
  ...slurmVerbs,
  {
    name: 'schema',
    args: '[command...]',
    help: 'Print the JSON Schema of what a command prints by --json; without one, of all.',
    flags: [],
    is: 'local',
    load: () => import('./schema.ts'),
  },
  {
    name: 'completion',
    args: '<shell>',
    help: 'Print what makes bash, zsh or fish complete this command.',
    flags: [],
    is: 'local',
    load: () => import('./completion.ts'),
  },
];
