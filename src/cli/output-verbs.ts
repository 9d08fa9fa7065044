import type { VerbRow } from './verb.ts';

/** What shells and programs want to know of the command. */
export const outputVerbs: readonly VerbRow[] = [
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
