import type { Flag, VerbRow } from './verb.ts';

const shared: Flag = ['--shared', 'for everybody’s jobs; operators only'];

/** Verbs for what jobs are given by name. */
export const secretVerbs: readonly VerbRow[] = [
  {
    name: 'secret set',
    args: '<name>',
    help: 'Keep a secret for jobs, piped in or from a file; nobody can read it back.',
    flags: [['--from-file <file>', 'its value, taken as it is'], shared],
    is: 'call',
    load: () => import('./secret-set.ts'),
  },
  {
    name: 'secret list',
    args: '',
    help: 'List the names of the secrets that your jobs may have.',
    flags: [],
    is: 'call',
    load: () => import('./secret-list.ts'),
  },
  {
    name: 'secret rm',
    args: '<name>',
    help: 'Remove a secret.',
    flags: [shared],
    is: 'call',
    load: () => import('./secret-rm.ts'),
  },
];
