import type { VerbRow } from './verb.ts';

/** Verbs for jobs that wait, what all of them used, and how they would have waited otherwise. */
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
  {
    name: 'simulate',
    args: '[trace]',
    help: 'Replay jobs of the past on a machine, under policies: waits, use, cost of each.',
    flags: [
      ['--cluster <file>', 'the machine; that of which the trace tells unless given'],
      [
        '--policy <file>',
        'a configuration with a section `scheduler`; several are compared',
        'list',
      ],
      ['--history', 'the jobs that the heads keep, in the place of a trace'],
      ['--svg <file>', 'draw what was used and who waited, over time'],
    ],
    is: 'call',
    load: () => import('./simulate.ts'),
  },
];
