import type { VerbRow } from './verb.ts';

/** Verbs for jobs that wait for each other. */
export const dagVerbs: readonly VerbRow[] = [
  {
    name: 'dag submit',
    args: '<file>',
    help: 'Submit all jobs of a DAG, or none, as `submit` does with a FILE.dag.yaml.',
    flags: [
      ['-p, --param <name=value>', 'a parameter that the file lists', 'list'],
      ['--once <key>', 'submitting twice with one key makes one DAG'],
      ['--dry-run', 'read and check it, show what it comes to, and send nothing'],
    ],
    is: 'call',
    load: () => import('./dag-submit.ts'),
  },
  {
    name: 'dag show',
    args: '<dag>',
    help: 'Show the jobs of a DAG as a tree, by its name or the first digits of its id.',
    flags: [['--watch', 'show it anew whenever a job changes']],
    is: 'call',
    load: () => import('./dag-show.ts'),
  },
  {
    name: 'dag cancel',
    args: '<dag>',
    help: 'Cancel the jobs of a DAG that have not ended.',
    flags: [],
    is: 'call',
    load: () => import('./dag-cancel.ts'),
  },
];
