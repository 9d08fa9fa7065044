import { askFlags } from './asks.ts';
import type { Flag, VerbRow } from './verb.ts';

const rank: Flag = ['--rank <number>', 'beside which of its processes; 0 is the main one'];

/** Verbs that look at a job which waits or runs, and reach into it. */
export const liveVerbs: readonly VerbRow[] = [
  {
    name: 'why',
    args: '<id>',
    help: 'Say what a job waits for and what would start it, or what it is at, and since when.',
    flags: [['-a, --all', 'all that stands in its way, and how it came there']],
    is: 'call',
    load: () => import('./why.ts'),
  },
  {
    name: 'when',
    args: '<id>',
    help: 'Say when a job that waits is likely to start.',
    flags: [],
    is: 'call',
    load: () => import('./when.ts'),
  },
  {
    name: 'plan',
    args: '<file>',
    help: 'Say what would become of a script now: where, when and for how much; keeps nothing.',
    flags: askFlags,
    is: 'call',
    load: () => import('./plan.ts'),
  },
  {
    name: 'forward',
    args: '<id> <[local:]port...>',
    help: 'Lead ports of this machine to those that a job has asked for as `in`, while it runs.',
    flags: [['--bind <address>', 'where to listen; 127.0.0.1 unless given']],
    is: 'call',
    load: () => import('./forward.ts'),
  },
  {
    name: 'exec',
    args: '<id> <command...>',
    help: 'Run a command inside a job: swm exec ID -- COMMAND; ends with its exit code.',
    flags: [rank, ['-t, --tty', 'give it a terminal']],
    is: 'call',
    load: () => import('./exec.ts'),
  },
  {
    name: 'attach',
    args: '<id>',
    help: 'Open a login shell inside a job.',
    flags: [rank],
    is: 'call',
    load: () => import('./attach.ts'),
  },
  {
    name: 'alloc',
    args: '[command...]',
    help: 'Get nodes and open a shell there, or run -- COMMAND; they are given back with its end.',
    flags: [
      ['-n, --name <name>', 'call the job so; alloc unless given'],
      ['-t, --tty', 'give the command a terminal'],
      ...askFlags,
    ],
    is: 'held',
    load: () => import('./alloc.ts'),
  },
  {
    name: 'put',
    args: '<id> <file...>',
    help: 'Bring files, or folders, into the directory of a job that runs.',
    flags: [['--rank <number>', 'to which of its processes; 0 is the main one']],
    is: 'call',
    load: () => import('./put.ts'),
  },
  {
    name: 'events',
    args: '[id]',
    help: 'Follow what changes, a line each: of one job until it has ended, or of all there is.',
    flags: [['--since <span>', 'begin with what became of the job in it, such as 10m; 0: all']],
    is: 'call',
    load: () => import('./events.ts'),
  },
];
