import type { Flag, VerbRow } from './verb.ts';

const invitation: Flag = [
  '-o, --output <file>',
  'where to write what the user enrols by, instead of NAME.join.json; - prints it, token and all',
];
const keysIn: Flag = ['--to <directory>', 'where to put key and certificate; ~/.swm unless given'];

/** Who may use swm, by which certificate, and what they did. */
export const userVerbs: readonly VerbRow[] = [
  {
    name: 'user add',
    args: '<name>',
    help: 'Invite a user, or one that was revoked again.',
    flags: [['--operator', 'who may do what operators may'], invitation],
    is: 'call',
    load: () => import('./user-add.ts'),
  },
  {
    name: 'user list',
    args: '',
    help: 'List the users.',
    flags: [],
    is: 'call',
    load: () => import('./user-list.ts'),
  },
  {
    name: 'user revoke',
    args: '<user>',
    help: 'Refuse a user, by name or id, from now on; what is connected is cut off.',
    flags: [],
    is: 'call',
    load: () => import('./user-revoke.ts'),
  },
  {
    name: 'cert enrol',
    args: '<file>',
    help: 'Make a key, and get the certificate that an invitation is for.',
    flags: [keysIn],
    is: 'local',
    load: () => import('./cert-enrol.ts'),
  },
  {
    name: 'cert renew',
    args: '',
    help: 'Get another certificate in the place of yours, while that is good.',
    flags: [['--new-key', 'for another key; the one before counts until the next one']],
    is: 'call',
    load: () => import('./cert-renew.ts'),
  },
  {
    name: 'cert show',
    args: '',
    help: 'Show whose your certificate is, and until when.',
    flags: [],
    is: 'call',
    load: () => import('./cert-show.ts'),
  },
  {
    name: 'audit',
    args: '',
    help: 'List what users changed, or wanted to, by the head that answers; for operators.',
    flags: [
      ['--since <time>', 'only what came then or later, such as 2026-11-29T18:00Z'],
      ['--user <user>', 'only what this one did, by name or id'],
      ['-l, --limit <count>', 'only the newest so many'],
    ],
    is: 'call',
    load: () => import('./audit.ts'),
  },
];
