import type { Flag, VerbRow } from './verb.ts';

/** Where an invitation goes. */
export const output: Flag = [
  '-o, --output <file>',
  'where to write what it joins by, instead of NAME.join.json; - prints it, token and all',
];

/** What is done to nodes that no site makes. */
export const nodeVerbs: readonly VerbRow[] = [
  {
    name: 'node add',
    args: '<name>',
    help: 'Let a worker join.',
    flags: [output],
    is: 'call',
    load: () => import('./node-add.ts'),
  },
  {
    name: 'node drain',
    args: '<node>',
    help: 'Give a node no new jobs, until it is resumed; those that save themselves do so now.',
    flags: [
      ['--reason <text>', 'why, for whoever looks at the nodes'],
      ['--requeue', 'its jobs save themselves, if they do, and run elsewhere'],
    ],
    is: 'call',
    load: () => import('./node-drain.ts'),
  },
  {
    name: 'node resume',
    args: '<node>',
    help: 'Give a node that was drained jobs again.',
    flags: [],
    is: 'call',
    load: () => import('./node-resume.ts'),
  },
  {
    name: 'node gone',
    args: '<node>',
    help: 'Vouch that a node’s machine is gone for good, so that its jobs may start elsewhere.',
    flags: [['-y, --yes', 'it is so; do not ask']],
    is: 'call',
    load: () => import('./node-gone.ts'),
  },
];
