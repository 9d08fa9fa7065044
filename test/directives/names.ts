import { long, type Row } from './row.ts';

/** What a job is called, charged to and ranked by. */
export const names = {
  name: {
    good: [
      ['Hello MPI Local', { name: 'Hello MPI Local' }],
      ['  "as it stands" # all of it  ', { name: '"as it stands" # all of it' }],
      ['名前 é 👩‍💻', { name: '名前 é 👩‍💻' }],
      [long(64), { name: long(64) }],
      ['👍'.repeat(64), { name: '👍'.repeat(64) }],
    ],
    bad: [
      ['', '1:6: `name`: needs TEXT'],
      [long(65), '1:11: `name`: has 65 characters; at most 64 may be'],
      ['a\tb', '1:12: `name`: has `\\u{09}`, which cannot be printed'],
      ['a\u001b[2Jb', '1:12: `name`: has `\\u{1b}`, which cannot be printed'],
      ['x\u202eb', '1:12: `name`: has `\\u{202e}`, which cannot be printed'],
    ],
  },
  comment: {
    good: [
      ['OpenMPI hello via swm-task --pmix', { comment: 'OpenMPI hello via swm-task --pmix' }],
      ['a\tb', { comment: 'a\tb' }],
    ],
    bad: [
      ['', '1:6: `comment`: needs TEXT'],
      [long(4097), '1:14: `comment`: has 4097 characters; at most 4096 may be'],
      ['a\u0007', '1:15: `comment`: has `\\u{07}`, which cannot be printed'],
    ],
  },
  account: {
    good: [
      ['azure', { account: 'azure' }],
      ['', {}],
    ],
    bad: [
      [long(257), '1:14: `account`: has 257 characters; at most 256 may be'],
      ['a\u0000b', '1:15: has a NUL byte: it is no text'],
    ],
  },
  queue: {
    good: [['gpu-long.2', { queue: 'gpu-long.2' }]],
    bad: [
      ['', '1:6: `queue`: needs NAME'],
      [long(257), '1:12: `queue`: has 257 characters; at most 256 may be'],
      ['a b', '1:14: `queue`: takes one value; `b` is one too many'],
      ['a/b', '1:13: `queue`: `/` cannot be part of it: letters, digits and ._- make it'],
      ['""', '1:12: `queue`: a name is missing between these quotes'],
    ],
  },
  priority: {
    good: [
      ['0', {}],
      ['10', { priority: 10 }],
      ['-1000', { priority: -1000 }],
      ['+7', { priority: 7 }],
      ['-0', { priority: 0 }],
    ],
    bad: [
      ['1001', '1:15: `priority`: wants a whole number from -1000 to 1000, not `1001`'],
      ['high', '1:15: `priority`: wants a whole number from -1000 to 1000, not `high`'],
      ['1.5', '1:15: `priority`: wants a whole number from -1000 to 1000, not `1.5`'],
      ['', '1:6: `priority`: needs N'],
    ],
  },
  gang: {
    good: [
      ['team-7', { gang: 'team-7' }],
      ['team-7 4', { gang: 'team-7', gangSize: 4 }],
    ],
    bad: [
      ['', '1:6: `gang`: needs ID [SIZE]'],
      ['a:b', '1:11: `gang`: `a:b` is no name of a gang: letters, digits and ._- make one'],
      ['a 0', '1:13: `gang`: wants the jobs of the gang, from 1 to 1024, not `0`'],
      ['a 1 2', '1:15: `gang`: takes an id and a size; `2` is one too many'],
    ],
  },
  notify: {
    good: [
      ['https://hooks.example.org/a?b=c#d', { notify: 'https://hooks.example.org/a?b=c#d' }],
      ['http://localhost:9/', { notify: 'http://localhost:9/' }],
    ],
    bad: [
      ['ftp://x', '1:13: `notify`: wants an http or https URL, not `ftp://x`'],
      ['example.org', '1:13: `notify`: wants an http or https URL, not `example.org`'],
      [
        'https://me@x/',
        '1:13: `notify`: a URL with a user or password would be shown with the job; leave them out',
      ],
      [
        'https://me:secret@x/',
        '1:13: `notify`: a URL with a user or password would be shown with the job; leave them out',
      ],
    ],
  },
} satisfies Record<string, Row>;
