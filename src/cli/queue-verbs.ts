import type { VerbRow } from './verb.ts';

/** Verbs for jobs that wait, and what all of them used. */
export const queueVerbs: readonly VerbRow[] = [
  {
    name: 'hold',
    args: '<id...>',
    help: 'Give jobs that wait no place, until they are released.',
    flags: [],
    is: 'call',
    load: () => import('./hold.ts'),
  },
  {
    name: 'release',
    args: '<id...>',
    help: 'Let jobs that are held have a place; of those that an operator holds operators may.',
    flags: [],
    is: 'call',
    load: () => import('./release.ts'),
  },
  {
    name: 'update',
    args: '<id>',
    help: 'Change what a job that waits asks for.',
    flags: [
      ['--priority <n>', 'as `priority` of a script'],
      ['--time <time>', 'how long it may run, as `time` of a script'],
      ['--name <name>', 'call it so'],
    ],
    is: 'call',
    load: () => import('./update.ts'),
  },
  {
    name: 'usage',
    args: '',
    help: 'Sum up the jobs that are kept, their core-hours and cost: yours; for operators, all.',
    flags: [
      ['--by <what>', 'user or account; user unless given'],
      ['--month <month>', 'only of jobs that were submitted in it, such as 2026-11 (UTC)'],
    ],
    is: 'call',
    load: () => import('./usage.ts'),
  },
  {
    name: 'accounts',
    args: '',
    help: 'List what accounts have cost since ever, and may cost; for operators.',
    flags: [],
    is: 'call',
    load: () => import('./accounts.ts'),
  },
];
