import type { VerbRow } from './verb.ts';

/** Several installations, each by a name. */
export const contextVerbs: readonly VerbRow[] = [
  {
    name: 'context add',
    args: '<name>',
    help: 'Keep --url, --spool, --cert, --key and --ca under a name, or others in their place.',
    flags: [],
    is: 'local',
    load: () => import('./context-add.ts'),
  },
  {
    name: 'context use',
    args: '[name]',
    help: 'Speak to that one where nobody says to whom; without a name, to none of them.',
    flags: [],
    is: 'local',
    load: () => import('./context-use.ts'),
  },
  {
    name: 'context list',
    args: '',
    help: 'List the contexts.',
    flags: [],
    is: 'local',
    load: () => import('./context-list.ts'),
  },
  {
    name: 'context remove',
    args: '<name>',
    help: 'Forget a context.',
    flags: [],
    is: 'local',
    load: () => import('./context-remove.ts'),
  },
];
