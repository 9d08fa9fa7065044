import type { VerbRow } from './verb.ts';

/** Verbs for scripts that are submitted again and again. */
export const scheduleVerbs: readonly VerbRow[] = [
  {
    name: 'schedule add',
    args: '<name> <cron> <file>',
    help: "Submit a script at each time that a cron pattern means, such as '30 3 * * 1-5'.",
    flags: [
      ['-p, --param <name=value>', 'what stands for {{name}}, which the script declares', 'list'],
      ['-e, --env <name=value>', 'a variable of the jobs’ environment', 'list'],
      ['--zone <zone>', 'the time zone of the pattern, such as Europe/Berlin; yours unless given'],
      ['--missed <what>', 'run or skip, of times that pass while swm is down; run unless given'],
      [
        '--overlap <what>',
        'allow, skip or queue, while the job before goes on; allow unless given',
      ],
    ],
    is: 'call',
    load: () => import('./schedule-add.ts'),
  },
  {
    name: 'schedule list',
    args: '',
    help: 'List schedules: yours; for operators, all.',
    flags: [],
    is: 'call',
    load: () => import('./schedule-list.ts'),
  },
  {
    name: 'schedule pause',
    args: '<name...>',
    help: 'Let schedules make no jobs for now.',
    flags: [['--owner <id>', 'whose they are; for operators']],
    is: 'call',
    load: () => import('./schedule-pause.ts'),
  },
  {
    name: 'schedule resume',
    args: '<name...>',
    help: 'Let schedules that are paused go on, with their next time.',
    flags: [['--owner <id>', 'whose they are; for operators']],
    is: 'call',
    load: () => import('./schedule-resume.ts'),
  },
  {
    name: 'schedule remove',
    args: '<name...>',
    help: 'Forget schedules; the jobs that they made go on.',
    flags: [['--owner <id>', 'whose they are; for operators']],
    is: 'call',
    load: () => import('./schedule-remove.ts'),
  },
];
