import type { Run } from './verb.ts';

type Flag = readonly [flags: string, help: string, kind?: 'list'];

/** A row for each verb: what it is called with, and the file that does it, loaded when called. */
export type VerbRow = {
  readonly name: string;
  /** As commander writes them: `<one>`, `[perhaps]`, `[many...]`. */
  readonly args: string;
  readonly help: string;
  readonly flags: readonly Flag[];
  /** `node`: it is a node itself, or makes one; the others speak to one. */
  readonly is: 'call' | 'node' | 'local';
  readonly load: () => Promise<{ readonly run: Run }>;
};

const config: readonly Flag[] = [
  ['--config <file>', 'its configuration, instead of swm.yaml in the spool'],
  ['--set <key=value>', 'a key of the configuration, such as terminals.port=8443', 'list'],
];
const ephemeral: Flag = [
  '--ephemeral',
  'at the end, cancel all jobs, remove all clusters and the spool',
];

export const verbs: readonly VerbRow[] = [
  {
    name: 'submit',
    args: '<file>',
    help: 'Submit a job script (- reads it from stdin); prints the job’s id once it is kept.',
    flags: [
      ['-w, --wait', 'wait for the results, and end with the job’s exit code'],
      ['-n, --name <name>', 'call the job so, whatever the script says'],
      ['-e, --env <name=value>', 'a variable of the job’s environment', 'list'],
      ['--once <key>', 'submitting twice with one key makes one job'],
      ['--dry-run', 'read the script, show what it asks for, and send nothing'],
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
      ['-l, --limit <count>', 'only the newest so many'],
    ],
    is: 'call',
    load: () => import('./jobs.ts'),
  },
  {
    name: 'show',
    args: '<id>',
    help: 'Show all that is kept of a job.',
    flags: [['--script', 'only its script']],
    is: 'call',
    load: () => import('./show.ts'),
  },
  {
    name: 'logs',
    args: '<id>',
    help: 'Print what a job printed.',
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
    help: 'Cancel jobs, whatever they are doing.',
    flags: [],
    is: 'call',
    load: () => import('./cancel.ts'),
  },
  {
    name: 'requeue',
    args: '<id>',
    help: 'Run a job again under the same id.',
    flags: [],
    is: 'call',
    load: () => import('./requeue.ts'),
  },
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
  {
    name: 'clusters',
    args: '',
    help: 'List the clusters that were made for jobs.',
    flags: [['-a, --all', 'also those that are gone']],
    is: 'call',
    load: () => import('./clusters.ts'),
  },
  {
    name: 'flavors',
    args: '',
    help: 'List the flavors of all sites.',
    flags: [],
    is: 'call',
    load: () => import('./flavors.ts'),
  },
  {
    name: 'images',
    args: '',
    help: 'List the images of all sites.',
    flags: [],
    is: 'call',
    load: () => import('./images.ts'),
  },
  {
    name: 'remotes',
    args: '',
    help: 'List the sites where clusters are made.',
    flags: [],
    is: 'call',
    load: () => import('./remotes.ts'),
  },
  {
    name: 'status',
    args: '',
    help: 'Show how the node is.',
    flags: [],
    is: 'call',
    load: () => import('./status.ts'),
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
    flags: [...config, ephemeral],
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
  {
    name: 'completion',
    args: '<shell>',
    help: 'Print what makes bash, zsh or fish complete this command.',
    flags: [],
    is: 'local',
    load: () => import('./completion.ts'),
  },
];
