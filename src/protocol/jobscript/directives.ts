import { limits } from '../limits.ts';
import { checkpointDirectives } from './checkpoint-directives.ts';
import { priceDirectives } from './price-directives.ts';
import type { CountField, Directive, FlagField, ListField, Takes, TextField } from './takes.ts';
import { waits } from './waits.ts';

/** What a name of a thing elsewhere (a queue, a gang, an address) is written with. */
const NAME_MARKS = '._-';

const line = (field: TextField, charsMax: number): Takes => ({
  is: 'line',
  field,
  charsMax,
});
const word = (field: TextField, marks: string, charsMax: number = limits.wordCharsMax): Takes => ({
  is: 'word',
  field,
  marks,
  charsMax,
});
const count = (field: CountField, min: number, max: number): Takes => ({
  is: 'count',
  field,
  min,
  max,
});
const flag = (field: FlagField): Takes => ({ is: 'flag', field });
const path = (field: TextField): Takes => ({ is: 'path', field });
const files = (field: ListField, inside: boolean): Takes => ({ is: 'files', field, inside });

/**
 * Every directive of a job script: `#SWM <name> <argument>`. A new one is a row here, a field of
 * the spec, and a row in test/directives/; a new kind of argument also a reader in values.ts.
 */
const rows = {
  name: {
    takes: line('name', limits.nameCharsMax),
    argument: 'TEXT',
    help: 'A name for people to know the job by.',
  },
  comment: {
    takes: line('comment', limits.textCharsMax),
    argument: 'TEXT',
    help: 'A note that is kept with the job.',
  },
  account: {
    takes: line('account', limits.wordCharsMax),
    argument: 'NAME',
    help: 'The account that the job is charged to.',
    blank: true,
  },
  queue: {
    takes: word('queue', NAME_MARKS),
    argument: 'NAME',
    help: 'The queue that the job waits in.',
  },
  priority: {
    takes: count('priority', -limits.priorityMax, limits.priorityMax),
    argument: 'N',
    help: 'Jobs of a higher priority go first; 0 unless given.',
  },
  time: {
    takes: { is: 'time', field: 'walltimeMs', min: 1000, max: limits.walltimeMsMax },
    argument: 'TIME',
    help: 'How long it may run: 90 (seconds), 2h30m, 01:30:00 or 1-00:00:00; then it is ended.',
  },
  nodes: {
    takes: count('nodes', 1, limits.nodesMax),
    argument: 'N',
    help: 'How many nodes the job gets; 1 unless given.',
  },
  cpus: {
    takes: count('cpus', 1, limits.cpusMax),
    argument: 'N',
    help: 'Processor cores on each node.',
  },
  memory: {
    takes: {
      is: 'bytes',
      field: 'memoryBytes',
      min: limits.memoryBytesMin,
      max: limits.memoryBytesMax,
    },
    argument: 'BYTES',
    help: 'Memory on each node: 512M, 2G or 1.5GiB; beyond it the job is ended.',
  },
  gpus: {
    takes: { is: 'gpus' },
    argument: '[KIND:]N',
    help: 'Graphics processors on each node, perhaps of one kind; 0 asks for none.',
    blank: true,
  },
  resource: {
    takes: { is: 'countable' },
    argument: 'NAME [N]',
    help: 'Of something else that nodes have and count, such as licences, N on each node; or 1.',
    repeatable: true,
  },
  constraint: {
    takes: { is: 'names', field: 'constraint', max: limits.labelsMax },
    argument: 'LABEL…',
    help: 'Only nodes that have all of these labels.',
    repeatable: true,
  },
  exclusive: {
    takes: flag('exclusive'),
    argument: '',
    help: 'Whole nodes: no other job is on them meanwhile.',
  },
  flavor: {
    takes: line('flavor', limits.wordCharsMax),
    argument: 'NAME',
    help: 'The kind of machine, as the site calls it.',
    blank: true,
  },
  'cloud-image': {
    takes: line('cloudImage', limits.wordCharsMax),
    argument: 'NAME',
    help: 'The image that the machines boot, as the site calls it.',
    blank: true,
  },
  'container-image': {
    takes: word('containerImage', './:@_-+', limits.imageCharsMax),
    argument: 'IMAGE',
    help: 'The container image that the script runs in.',
  },
  'container-login': {
    takes: word('containerLogin', NAME_MARKS, limits.nameCharsMax),
    argument: 'SECRET',
    help: 'The secret by which the image is pulled: `USER:PASSWORD`, or a file of `docker login`.',
  },
  storage: {
    takes: { is: 'names', field: 'storage', max: limits.storagesMax },
    argument: 'NAME…',
    help: 'Storage of the site that is attached to the nodes.',
    repeatable: true,
    blank: true,
  },
  ports: {
    takes: { is: 'ports' },
    argument: 'PORT[/tcp][/in|/out],…',
    help: 'in: the submitter reaches the port of the job; out: the job reaches the submitter’s.',
  },
  'submission-address': {
    takes: word('submissionAddress', '.:[]_%-'),
    argument: 'ADDRESS',
    help: 'Where `out` ports lead to, unless to the submitter’s own address.',
    blank: true,
  },
  workdir: {
    takes: path('workdir'),
    argument: 'PATH',
    help: 'The directory that the script starts in.',
  },
  stdin: { takes: path('stdin'), argument: 'PATH', help: 'The file that the script reads.' },
  stdout: { takes: path('stdout'), argument: 'PATH', help: 'The file for what it prints.' },
  stderr: { takes: path('stderr'), argument: 'PATH', help: 'The file for its errors.' },
  'input-files': {
    takes: files('inputFiles', false),
    argument: 'PATH…',
    help: 'Files that are brought to the job, or patterns of such; quote a path with spaces.',
    repeatable: true,
    blank: true,
  },
  'output-files': {
    takes: files('outputFiles', true),
    argument: 'PATH…',
    help: 'Files of the working directory that are brought back, or patterns of such.',
    repeatable: true,
    blank: true,
  },
  env: {
    takes: { is: 'env' },
    argument: 'NAME=VALUE…',
    help: 'Variables of the job’s environment, quoted as for a shell; nothing is expanded.',
    repeatable: true,
  },
  secret: {
    takes: { is: 'secret' },
    argument: 'NAME [env NAME|file PATH]',
    help: 'A secret, as a variable (its own name in capitals unless given) or as a file.',
    repeatable: true,
  },
  array: {
    takes: { is: 'array' },
    argument: 'A-B[:STEP][%LIMIT]',
    help: 'Runs the script once for each index, at most LIMIT at a time.',
  },
  ...waits,
  ...priceDirectives,
  retries: {
    takes: count('retries', 0, limits.retriesMax),
    argument: 'N',
    help: 'How often the job is run again when it fails.',
  },
  'on-node-loss': {
    takes: { is: 'term', field: 'onNodeLoss', of: ['wait', 'requeue'] },
    argument: 'wait|requeue',
    help: 'On a node that falls silent: wait for it, or end there and run again elsewhere.',
  },
  ranks: {
    takes: { is: 'term', field: 'ranks', of: ['main', 'all'] },
    argument: 'main|all',
    help: 'Where the script runs: on the main node, with `swm task` for the others, or on all.',
  },
  hold: {
    takes: flag('hold'),
    argument: '',
    help: 'The job waits until somebody says `swm release ID`.',
  },
  gang: {
    takes: { is: 'gang' },
    argument: 'ID [SIZE]',
    help: 'The jobs of one gang, SIZE in all, get their places together or not at all.',
  },
  preemptible: {
    takes: flag('preemptible'),
    argument: '',
    help: 'The job may be stopped and queued again for one of higher priority.',
  },
  relocatable: {
    takes: flag('relocatable'),
    argument: '',
    help: 'The job may run at another site than the one it was meant for.',
  },
  'keep-resources': {
    takes: flag('keepResources'),
    argument: '',
    help: 'The machines stay for a while after the job, for the next one of its owner.',
    also: ['--keep-resources'],
  },
  ...checkpointDirectives,
  slurm: {
    takes: flag('slurm'),
    argument: '',
    help: 'The script finds `SLURM_*` variables as well; so it does if it has `#SBATCH` lines.',
  },
  notify: {
    takes: { is: 'url', field: 'notify' },
    argument: 'URL',
    help: 'Is sent a request at each change of the job; http or https.',
  },
} as const satisfies Record<string, Directive>;

export type DirectiveName = keyof typeof rows;

export const directives: Readonly<Record<DirectiveName, Directive>> = rows;

export const directiveNames: readonly DirectiveName[] = Object.keys(rows) as DirectiveName[];

const byWord: ReadonlyMap<string, DirectiveName> = new Map(
  directiveNames.flatMap((name) =>
    [name, ...(directives[name].also ?? [])].map((word) => [word, name] as const),
  ),
);

/** The directive of that spelling, or undefined. */
export const directiveOf = (word: string): DirectiveName | undefined => byWord.get(word);
