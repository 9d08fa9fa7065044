import type { Row } from './row.ts';

const NO_NAME = 'is no name of a secret: a letter, then letters, digits and ._- make one';

/** What a job reads and writes, and its environment. */
export const files = {
  workdir: {
    good: [
      ['/tmp', { workdir: '/tmp' }],
      ['runs/7', { workdir: 'runs/7' }],
    ],
    bad: [
      ['', '1:6: `workdir`: needs PATH'],
      ['a/../..', '1:14: `workdir`: `a/../..` leads up by ..'],
      ['my dir', '1:17: `workdir`: takes one value; `dir` is one too many'],
    ],
  },
  stdin: {
    good: [['"my data.txt"', { stdin: 'my data.txt' }]],
    bad: [["''", '1:12: `stdin`: a path is missing between these quotes']],
  },
  stdout: {
    good: [['logs/%j.out', { stdout: 'logs/%j.out' }]],
    bad: [['../out', '1:13: `stdout`: `../out` leads up by ..']],
  },
  stderr: {
    good: [['/tmp/e', { stderr: '/tmp/e' }]],
    bad: [["'e", "1:13: `stderr`: this ' has no closing '"]],
  },
  'input-files': {
    good: [
      [`a "b c" 'd"e' f\\ g`, { inputFiles: ['a', 'b c', 'd"e', 'f g'] }],
      [
        '/abs ../up ~/mpi\n#SWM input-files more',
        { inputFiles: ['/abs', '../up', '~/mpi', 'more'] },
      ],
      ["'*.c' *.c \\$x", { inputFiles: ['\\*.c', '*.c', '$x'] }],
      ['', {}],
    ],
    bad: [
      ['a ./a', '1:20: `input-files`: `a` was given already, at job.sh:1:18'],
      ['a b/../c b//../c', '1:27: `input-files`: `b/../c` was given already, at job.sh:1:20'],
      ['a\n#SWM input-files b a', '2:20: `input-files`: `a` was given already, at job.sh:1:18'],
      ['"a', '1:18: `input-files`: this " has no closing "'],
      ['a ""', '1:20: `input-files`: a path is missing between these quotes'],
      ['a\\', '1:19: `input-files`: a directive is one line; this backslash has nothing to act on'],
      [
        'data/$SWM_JOB_ID',
        "1:23: `input-files`: no variable is put in here; quote it with ' if it is meant",
      ],
      ['*.c ./*.c', '1:22: `input-files`: `*.c` was given already, at job.sh:1:18'],
    ],
  },
  'output-files': {
    good: [
      ['results.out logs/a', { outputFiles: ['results.out', 'logs/a'] }],
      ['a\n#SWM output-files b', { outputFiles: ['a', 'b'] }],
      ['a..b ..c', { outputFiles: ['a..b', '..c'] }],
      ['r/*.[ch] **/log? "?"', { outputFiles: ['r/*.[ch]', '**/log?', '\\?'] }],
      ['', {}],
    ],
    bad: [
      ['a ../b', '1:21: `output-files`: `../b` leads up by ..'],
      ['a/../../b', '1:19: `output-files`: `a/../../b` leads up by ..'],
      [
        '/etc/passwd',
        '1:19: `output-files`: `/etc/passwd` is absolute; it is a path in the working directory',
      ],
      ['.', '1:19: `output-files`: `.` names no file'],
      ['a/', '1:19: `output-files`: `a/` names no file'],
      ['*/../../b', '1:19: `output-files`: `*/../../b` leads up by ..'],
      ['a/b a//b', '1:23: `output-files`: `a/b` was given already, at job.sh:1:19'],
    ],
  },
  secret: {
    good: [
      ['db', { secrets: [{ name: 'db', as: 'env', to: 'DB' }] }],
      ['api.key-2', { secrets: [{ name: 'api.key-2', as: 'env', to: 'API_KEY_2' }] }],
      [
        "db env PGPASSWORD\n#SWM secret db file '.pg pass'\n#SWM secret db file a/b",
        {
          secrets: [
            { name: 'db', as: 'env', to: 'PGPASSWORD' },
            { name: 'db', as: 'file', to: '.pg pass' },
            { name: 'db', as: 'file', to: 'a/b' },
          ],
        },
      ],
    ],
    bad: [
      ['', '1:6: `secret`: needs NAME [env NAME|file PATH]'],
      ['1db', `1:13: \`secret\`: \`1db\` ${NO_NAME}`],
      ['db as x', '1:16: `secret`: wants env or file, not `as`'],
      ['db env', '1:16: `secret`: env needs a variable'],
      ['db file', '1:16: `secret`: file needs a path'],
      ['db env A B', '1:22: `secret`: takes one secret; `B` is one too many'],
      [
        'db env A-B',
        '1:20: `secret`: `A-B` is no name of a variable: letters, digits and _ make one',
      ],
      ['swm_job', '1:13: `secret`: `SWM_JOB` is not yours to set: swm sets SWM_*'],
      [
        'db file /etc/x',
        '1:21: `secret`: `/etc/x` is absolute; it is a path in the working directory',
      ],
      ['db file ../x', '1:21: `secret`: `../x` leads up by ..'],
      [
        'db file $HOME/x',
        "1:21: `secret`: no variable is put in here; quote it with ' if it is meant",
      ],
      ['a env X\n#SWM secret b env X', '2:19: `secret`: `X` was given already, at job.sh:1:19'],
      ['a file x\n#SWM secret b file ./x', '2:20: `secret`: `x` was given already, at job.sh:1:20'],
      [
        Array.from({ length: 33 }, (_, i) => `s${i}`).join('\n#SWM secret '),
        '33:13: `secret`: there are more than 32 secrets',
      ],
    ],
  },
  env: {
    good: [
      ['A=1', { env: { A: '1' } }],
      [`A= B="x y" C='$HOME' "D=e f"`, { env: { A: '', B: 'x y', C: '$HOME', D: 'e f' } }],
      ['A=b=c\n#SWM env _B2=\\"', { env: { A: 'b=c', _B2: '"' } }],
      ['A="\\$x\\q" B=$', { env: { A: '$x\\q', B: '$' } }],
      ['SWM=1 swm_x=2 constructor=3', { env: { SWM: '1', swm_x: '2', constructor: '3' } }],
    ],
    bad: [
      ['', '1:6: `env`: needs NAME=VALUE…'],
      ['A', '1:10: `env`: wants NAME=VALUE, not `A`; quote a value that has spaces'],
      [
        'A=hello world',
        '1:18: `env`: wants NAME=VALUE, not `world`; quote a value that has spaces',
      ],
      ['1A=x', '1:10: `env`: `1A` is no name of a variable: letters, digits and _ make one'],
      ['=x', '1:10: `env`: `` is no name of a variable: letters, digits and _ make one'],
      [
        '__proto__=x',
        '1:10: `env`: `__proto__` is no name of a variable: letters, digits and _ make one',
      ],
      ['A=1 SWM_JOB_ID=2', '1:14: `env`: `SWM_JOB_ID` is not yours to set: swm sets SWM_*'],
      ['A=1 A=2', '1:14: `env`: `A` was given already, at job.sh:1:10'],
      [
        'P="/opt/bin:$PATH"',
        "1:22: `env`: no variable is put in here; quote it with ' or export it in the script",
      ],
      [
        'P=~/bin',
        "1:12: `env`: no variable is put in here; quote it with ' or export it in the script",
      ],
      [
        'P=`id`',
        "1:12: `env`: no variable is put in here; quote it with ' or export it in the script",
      ],
    ],
  },
} satisfies Record<string, Row>;
