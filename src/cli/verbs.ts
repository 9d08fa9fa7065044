import { askFlags } from './asks.ts';
import { contextVerbs } from './context-verbs.ts';
import { dagVerbs } from './dag-verbs.ts';
import { entryGroups, entryVerbs } from './entry-verbs.ts';
import { liveVerbs } from './live-verbs.ts';
import { nodeVerbs, output } from './node-verbs.ts';
import { outputVerbs } from './output-verbs.ts';
import { queueVerbs } from './queue-verbs.ts';
import { scheduleVerbs } from './schedule-verbs.ts';
import { secretVerbs } from './secret-verbs.ts';
import { siteVerbs } from './site-verbs.ts';
import { userVerbs } from './user-verbs.ts';
import type { Flag, VerbRow } from './verb.ts';

/** What the verbs of two words are about. */
export const groups: Readonly<Record<string, string>> = {
  dag: 'Jobs that wait for each other, submitted as one.',
  head: 'The heads, which decide and remember together.',
  leader: 'The head that leads.',
  node: 'Nodes that are not made by a site.',
  schedule: 'Scripts that are submitted again and again.',
  secret: 'Secrets that jobs are given by name.',
  user: 'Who may use swm; for operators.',
  cert: 'The certificate by which you are known.',
  context: 'Several installations, each by a name.',
  ...entryGroups,
};

const config: readonly Flag[] = [
  ['--config <file>', 'its configuration, instead of swm.yaml in the spool'],
  ['--set <key=value>', 'a key of the configuration, such as terminals.port=8443', 'list'],
];
const ephemeral: Flag = [
  '--ephemeral',
  'at the end, cancel all jobs, remove all clusters and the spool',
];

/** A row for each verb. */
export const verbs: readonly VerbRow[] = [
  {
    name: 'submit',
    args: '[file] [command...]',
    help: 'Submit a script (- is stdin), or -- COMMAND; prints the job’s id once it is kept.',
    flags: [
      ['-w, --wait', 'wait for the results, and end with the job’s exit code'],
      ['-n, --name <name>', 'call the job so, whatever the script says'],
      ['-e, --env <name=value>', 'a variable of the job’s environment', 'list'],
      ['-p, --param <name=value>', 'what stands for {{name}}, which the script declares', 'list'],
      ['--once <key>', 'submitting twice with one key makes one job'],
      ['--dry-run', 'read the script, show what it asks for, and send nothing'],
      ...askFlags,
    ],
    is: 'call',
    load: () => import('./submit.ts'),
  },
  {
    name: 'jobs',
    args: '',
    help: 'List jobs, the oldest first.',
    flags: [
      ['-s, --state <letters>', 'only jobs in these states, such as QWR'],
      ['-n, --name <name>', 'only jobs of this name'],
      ['--account <name>', 'only those of this account; all of them, for its admins'],
      ['-l, --limit <count>', 'only the newest so many'],
      ['--stale', 'what the head that answers has, also where no head leads'],
      ['--watch', 'show them anew whenever one changes'],
    ],
    is: 'call',
    load: () => import('./jobs.ts'),
  },
  {
    name: 'show',
    args: '<id>',
    help: 'Show all that is kept of a job; ID[3-7] also of tasks of an array.',
    flags: [['--script', 'only its script']],
    is: 'call',
    load: () => import('./show.ts'),
  },
  ...liveVerbs,
  {
    name: 'logs',
    args: '<id>',
    help: 'Print what a job printed; of an array, what a task did: ID[17].',
    flags: [
      ['-f, --follow', 'go on until the job has ended'],
      ['--stderr', 'its errors instead of its output'],
      ['--rank <number>', 'of which of its processes; 0 is the main one'],
      ['--offset <bytes>', 'leave out so many bytes'],
    ],
    is: 'call',
    load: () => import('./logs.ts'),
  },
  {
    name: 'cancel',
    args: '<id...>',
    help: 'Cancel jobs, whatever they are doing; ID[3-7] only tasks of an array.',
    flags: [],
    is: 'call',
    load: () => import('./cancel.ts'),
  },
  {
    name: 'requeue',
    args: '<id>',
    help: 'Run a job again under the same id; ID[3-7] only tasks of an array.',
    flags: [],
    is: 'call',
    load: () => import('./requeue.ts'),
  },
  {
    name: 'checkpoint',
    args: '<id>',
    help: 'Have a job that runs save itself now, if its script says `checkpoint`.',
    flags: [],
    is: 'call',
    load: () => import('./checkpoint.ts'),
  },
  ...queueVerbs,
  ...dagVerbs,
  {
    name: 'get',
    args: '<id> [path...]',
    help: 'Fetch the output files of a job, all or those named.',
    flags: [['-t, --to <directory>', 'where to put them; here unless given']],
    is: 'call',
    load: () => import('./get.ts'),
  },
  {
    name: 'nodes',
    args: '',
    help: 'List the nodes.',
    flags: [],
    is: 'call',
    load: () => import('./nodes.ts'),
  },
  ...siteVerbs,
  {
    name: 'top',
    args: '',
    help: 'Show nodes, jobs and rates as they are now; q ends it.',
    flags: [['--once', 'print it once; so it is also where there is no terminal']],
    is: 'call',
    load: () => import('./top.ts'),
  },
  {
    name: 'shell',
    args: '[node]',
    help: 'Look inside a node, or the head that answers, by JavaScript; for operators.',
    flags: [['--write', 'let through also calls that change something']],
    is: 'call',
    load: () => import('./shell.ts'),
  },
  {
    name: 'status',
    args: '',
    help: 'Show how the node and its group of heads are; ends with 1 if something is wrong.',
    flags: [],
    is: 'call',
    load: () => import('./status.ts'),
  },
  ...scheduleVerbs,
  ...secretVerbs,
  {
    name: 'head list',
    args: '',
    help: 'List the heads, and which of them leads.',
    flags: [],
    is: 'call',
    load: () => import('./head-list.ts'),
  },
  {
    name: 'head add',
    args: '<name> <host:port>',
    help: 'Let another head join; nodes will dial it at that address.',
    flags: [output],
    is: 'call',
    load: () => import('./head-add.ts'),
  },
  {
    name: 'head remove',
    args: '<name>',
    help: 'Take a head out of the group.',
    flags: [],
    is: 'call',
    load: () => import('./head-remove.ts'),
  },
  {
    name: 'leader transfer',
    args: '[name]',
    help: 'Let another head lead, the one named or any.',
    flags: [],
    is: 'call',
    load: () => import('./leader-transfer.ts'),
  },
  ...nodeVerbs,
  ...userVerbs,
  ...contextVerbs,
  ...entryVerbs,
  {
    name: 'sweep',
    args: '',
    help: 'Show what sites have of ours that nobody claims, which is removed by itself.',
    flags: [['--confirm', 'after a restore: all that is shown may go, and is swept again']],
    is: 'call',
    load: () => import('./sweep.ts'),
  },
  {
    name: 'backup',
    args: '<file>',
    help: 'Copy all records of the heads into a file, as of one moment, while they go on.',
    flags: [],
    is: 'call',
    load: () => import('./backup.ts'),
  },
  {
    name: 'restore',
    args: '<file>',
    help: 'Begin anew with the records of a backup, as the only head, on a spool that rests.',
    flags: [],
    is: 'node',
    load: () => import('./restore.ts'),
  },
  {
    name: 'init',
    args: '',
    help: 'Make a spool for a head: its authority, keys, an admin, and a configuration.',
    flags: [
      ['--name <name>', 'the node’s name; the host’s unless given'],
      ['--address <host>', 'the address that others will use'],
    ],
    is: 'node',
    load: () => import('./init.ts'),
  },
  {
    name: 'start',
    args: '',
    help: 'Run a node on its spool, until it is told to end.',
    flags: [
      ...config,
      ['--join <file>', 'join as this file says, which swm head add or swm node add wrote'],
      ephemeral,
    ],
    is: 'node',
    load: () => import('./start.ts'),
  },
  {
    name: 'dev',
    args: '',
    help: 'Run a whole swm on this machine: a head, a worker and a site to play with.',
    flags: [...config, ephemeral],
    is: 'node',
    load: () => import('./dev.ts'),
  },
  ...outputVerbs,
];
