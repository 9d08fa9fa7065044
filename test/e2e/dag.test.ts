import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { JobRow } from '../../src/protocol/model.ts';
import { dev, file, folder, forAll, until } from './lab.ts';
import { isEnded } from './waiter.ts';

const lab = forAll(async () => {
  const home = await folder();
  return { home, node: await dev(join(home, 'spool'), ['--set', 'jobs.relocate=asked']) };
});

it('a DAG runs in its order, as one, and is shown as a tree', {
  timeout: 90_000,
}, async () => {
  const { home, node } = lab();
  const log = await file(join(home, 'log'), '', 0o666);
  await file(join(home, 'note.job'), `#!/bin/sh\n#SWM param WHAT\necho {{WHAT}} >>${log}\n`);
  const path = await file(
    join(home, 'night.dag.yaml'),
    [
      'params: { CODE: 0 }',
      'jobs:',
      '  begin: { file: note.job, params: { WHAT: begin } }',
      '  fails:',
      '    needs: [begin]',
      '    script: |',
      '      #!/bin/sh',
      '      #SWM param CODE',
      '      exit {{CODE}}',
      '  mends: { file: note.job, needs: [{ job: fails, if: not-ok }], params: { WHAT: mends } }',
      '  never: { file: note.job, needs: [fails], params: { WHAT: never } }',
      '  end: { file: note.job, needs: [mends, { job: never, if: any }], params: { WHAT: end } }',
      '',
    ].join('\n'),
  );
  const submit = (...args: string[]) => node.run('submit', path, '--param', 'CODE=4', ...args);
  const first = await submit('--once', 'tonight');
  expect(first).toMatchObject({ code: 0, stdout: expect.stringMatching(/^[0-9a-f-]{36}\n$/) });
  // As often as somebody likes, it is one.
  expect((await submit('--once', 'tonight')).stdout).toBe(first.stdout);
  await until(async () => (await node.jobs()).every(isEnded), 60);
  const jobs = await node.jobs();
  const byName = Object.fromEntries(jobs.map((job) => [job.dag?.job, job] as const));
  expect(Object.keys(byName).sort()).toEqual(['begin', 'end', 'fails', 'mends', 'never']);
  const state = ({ state: letter, exitcode }: JobRow): string => `${letter}${exitcode}`;
  expect(jobs.map(state).sort()).toEqual(['E0', 'F0', 'F0', 'F0', 'F4']);
  expect(await readFile(log, 'utf8')).toBe('begin\nmends\nend\n');

  const shown = await node.run('dag', 'show', first.stdout.slice(0, 8));
  const [head, , ...rows] = shown.stdout.trimEnd().split('\n');
  expect(head).toMatch(/^night \w{8}: of 5 jobs 3 ended well, 2 did not$/);
  expect(rows.map((row) => row.slice(0, 14).trimEnd())).toEqual([
    'begin',
    '└─ fails',
    '   ├─ mends',
    '   │  └─ end',
    '   └─ never',
  ]);
});

it('a DAG that goes round is refused, and one that is cancelled takes only itself', {
  timeout: 60_000,
}, async () => {
  const { home, node } = lab();
  const wrong = await file(join(home, 'wrong.dag.yaml'), 'jobs:\n  a: { script: x, needs: [a] }\n');
  expect(await node.run('submit', wrong)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`${wrong}:2:19: these wait for each other: a → a`),
  });
  const held = await file(
    join(home, 'held.dag.yaml'),
    'jobs:\n  a: { script: "#SWM hold" }\n  b: { script: x, needs: [a] }\n',
  );
  await node.run('dag', 'submit', held);
  expect((await node.run('dag', 'cancel', 'held')).stdout.trim().split('\n')).toHaveLength(2);
  await until(async () => (await node.jobs()).every(isEnded));
  const cancelled = (await node.jobs()).filter(({ dag }) => dag?.dag === 'held');
  expect(cancelled.map(({ state: letter }) => letter)).toEqual(['C', 'C']);
});
