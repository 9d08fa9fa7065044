import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readDag } from '../../src/cli/dag-file.ts';
import type { DagRow } from '../../src/cli/dag-jobs.ts';
import { progressOf, run as show, treeOf } from '../../src/cli/dag-show.ts';
import { run as submit } from '../../src/cli/submit.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { jobRow } from '../recorded/values.ts';
import { staged } from './call.ts';

let folder: string;
let path: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swm-dag-'));
  path = join(folder, 'night.dag.yaml');
  await writeFile(join(folder, 'one.job'), '#!/bin/sh\n#SWM param N=1\necho {{N}}\n');
});
afterAll(() => rm(folder, { recursive: true }));

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const DIAMOND = `
params: { N: 2 }
jobs:
  last: { script: "true", needs: [left, { job: right, if: any }] }
  left: { file: one.job, needs: [top] }
  right: { file: one.job, needs: [{ job: top, if: started }], params: { N: 7 } }
  top: { script: "#SWM name t" }
`;

describe('a DAG as it is written', () => {
  const read = async (text: string, given = {}) => {
    await writeFile(path, text);
    return readDag(path, given);
  };

  it('has each job behind what it needs, by what its parameters say', async () => {
    const { name, jobs } = await read(DIAMOND, { N: '5' });
    expect(name).toBe('night');
    expect(jobs.map((job) => job.name)).toEqual(['top', 'left', 'right', 'last']);
    expect(jobs.map((job) => /echo (.)/.exec(job.script)?.[1])).toEqual([
      undefined,
      '5',
      '7',
      undefined,
    ]);
    expect(jobs.at(-1)?.needs).toEqual([
      { job: 'left', when: 'after-ok' },
      { job: 'right', when: 'after-any' },
    ]);
    expect(jobs[2]?.needs).toEqual([{ job: 'top', when: 'after' }]);
    expect((await read(`name: other\n${DIAMOND}`)).name).toBe('other');
  });

  it.each([
    ['jobs: {}', '1:1: wants at least one job, as in `first: { file: first.job }`'],
    ['jobs:\n  a: { script: x, need: [] }', '2:19: need is no key here; did you mean needs?'],
    ['jobs:\n  a: {}', '2:3: wants either a `script` or a `file`'],
    ['jobs:\n  a: { script: x, file: y }', '2:3: wants either a `script` or a `file`'],
    ['jobs:\n  a: { script: 3 }', '2:8: wants text'],
    ['jobs:\n  a: x', '2:3: wants keys: `script` or `file`, and `needs`, `params`'],
    ['jobs:\n  a: { file: none.job }', '2:8: none.job: there is no such file'],
    ['jobs:\n  "a b": { script: x }', '2:3: wants a name of letters, digits and ._-'],
    ['name: a/b\njobs:\n  a: { script: x }', '1:1: wants a name of letters, digits and ._-'],
    [
      'jobs:\n  first: { script: x }\n  a: { script: x, needs: [fist] }',
      '3:27: there is no job fist; did you mean first?',
    ],
    [
      'jobs:\n  b: { script: x }\n  a: { script: x, needs: [b, { job: b }] }',
      '3:30: b was named already',
    ],
    [
      'jobs:\n  b: { script: x }\n  a: { script: x, needs: [{ job: b, if: well }] }',
      '3:27: `if` wants ok, not-ok, any, started, not well',
    ],
    ['jobs:\n  a: { script: x, needs: b }', '2:19: wants a list of jobs'],
    ['jobs:\n  a: { script: x, params: { N: [] } }', '2:29: wants text or a number'],
    [
      ['jobs:', ...['ac', 'ba', 'cb'].map(([a, b]) => `  ${a}: { script: x, needs: [${b}] }`)].join(
        '\n',
      ),
      '2:19: these wait for each other: a → b → c → a',
    ],
    ['jobs:\n  a: { script: x, needs: [a] }', '2:19: these wait for each other: a → a'],
  ])('%j is refused where it is wrong', async (text, flaw) => {
    await expect(read(text)).rejects.toThrow(`${path}:${flaw}`);
  });

  it('tells all that is wrong with it at once', async () => {
    const text =
      'jobs:\n  a: { file: one.job, params: { M: 1 } }\n  b: { script: x, needs: [d] }\n';
    const error = (await read(text, { X: '1' }).catch((e: unknown) => e)) as Error;
    expect(error.message.split('\n')).toEqual([
      `${path}:1:1: X is no parameter: \`params\` does not list it`,
      expect.stringMatching(/one\.job: M is no parameter of this script; `#SWM param NAME` decl/),
      `${path}:3:27: there is no job d`,
    ]);
  });
});

describe('a DAG that is submitted', () => {
  const answers = {
    'job.submit': { id: ID },
    'job.release': { id: ID },
    'job.cancel': { id: ID, phase: 'releasing' },
  };
  const scene = (more: object = {}, options: object = {}) =>
    staged({ args: [path], answers: { ...answers, ...more }, options: { ...options } });

  it('is sent whole, and held until all of it is there', async () => {
    await writeFile(path, DIAMOND);
    const call = scene({}, { once: 'k' });
    expect(await submit(call)).toBe(0);
    const bodies = call.asked.map(
      ([name, body]) => [name, body as Record<string, unknown>] as const,
    );
    expect(bodies.map(([name]) => name)).toEqual([...Array(4).fill('job.submit'), 'job.release']);
    expect(bodies.map(([, { key }]) => key).slice(0, 4)).toEqual([
      'k/top',
      'k/left',
      'k/right',
      'k/last',
    ]);
    expect(bodies[0]?.[1]).toMatchObject({
      hold: true,
      after: [],
      dag: { dag: 'night', job: 'top' },
    });
    expect(bodies[3]?.[1]).toMatchObject({
      script: 'true',
      after: [
        { when: 'after-ok', jobs: [ID] },
        { when: 'after-any', jobs: [ID] },
      ],
      dag: {
        needs: [
          { job: 'left', when: 'after-ok' },
          { job: 'right', when: 'after-any' },
        ],
      },
    });
    expect(bodies[3]?.[1]).not.toHaveProperty('hold');
    const again = scene({}, { once: 'k' });
    await submit(again);
    expect(again.asked).toEqual(call.asked);
    expect(again.out).toEqual([(bodies[0]![1]['dag'] as { id: string }).id]);
  });

  it('lets go of none that its script holds', async () => {
    await writeFile(path, 'jobs:\n  a: { script: "#SWM hold" }\n');
    const call = scene();
    await submit(call);
    expect(call.asked.map(([name]) => name)).toEqual(['job.submit']);
  });

  it('leaves nothing behind if one is refused', async () => {
    await writeFile(path, 'jobs:\n  a: { script: x }\n  b: { script: y, needs: [a] }\n');
    let sent = 0;
    const refusing = {
      ...answers,
      get 'job.submit'() {
        return sent++ === 0 ? { id: ID } : new Failed('no_secret', 'no');
      },
    };
    const call = staged({ args: [path], answers: refusing });
    await expect(submit(call)).rejects.toThrow('no');
    expect(call.asked.map(([name]) => name)).toEqual(['job.submit', 'job.submit', 'job.cancel']);
    // Of what may be of an earlier call nothing is cancelled; what is cut off can be repeated.
    for (const [options, failure] of [
      [{ once: 'k' }, new Failed('key_reused', 'no')],
      [{}, new Failed('unreachable', 'no')],
    ] as const) {
      const kept = scene({ 'job.submit': failure }, options);
      await expect(submit(kept)).rejects.toThrow('no');
      expect(kept.asked.map(([name]) => name)).toEqual(['job.submit']);
      expect(kept.notes).toEqual([expect.stringMatching(/dag cancel|--once/)]);
    }
  });

  it('is only looked at by --dry-run, and takes nothing that is for one job', async () => {
    const call = scene({}, { dryRun: true });
    expect(await submit(call)).toBe(0);
    expect(call.asked).toEqual([]);
    for (const [option, value] of Object.entries({ wait: true, name: 'a', cpus: '2' }))
      await expect(submit(scene({}, { [option]: value }))).rejects.toThrow(
        `--${option} is for one job`,
      );
  });
});

describe('a DAG that is shown', () => {
  const one = (job: string, needs: readonly string[], change: Partial<DagRow> = {}): DagRow => ({
    ...jobRow,
    ...change,
    dag: {
      id: ID,
      dag: 'night',
      job,
      needs: needs.map((need) => ({ job: need, when: 'after-ok' })),
    },
  });
  const rows = [
    one('top', [], { state: 'F', phase: 'ended', exitcode: 0 }),
    one('left', ['top'], { state: 'F', phase: 'ended', exitcode: 3 }),
    one('right', ['top'], { state: 'R', phase: 'running' }),
    one('last', ['left', 'deep'], { state: 'Q', phase: 'queued' }),
    one('deep', ['right', 'purged'], { state: 'Q', phase: 'queued' }),
  ];

  it('has each job once, below that one of its needs which is furthest from the beginning', () => {
    expect(
      treeOf(rows).map(({ branch, dag, also }) => `${branch}${dag.job} ${also}`.trimEnd()),
    ).toEqual(['top', '├─ left', '└─ right', '   └─ deep', '      └─ last left']);
  });

  it('says how far it is', async () => {
    const text = 'of 5 jobs 1 ended well, 1 did not, 1 are under way, 2 wait';
    expect(progressOf(rows)).toBe(text);
    const call = staged({ args: ['night'], answers: { 'job.list': { jobs: rows, next: '' } } });
    expect(await show(call)).toBe(0);
    expect(call.asked).toEqual([['job.list', { dag: 'night', limit: 1000, after: '' }]]);
    expect(call.out[0]).toBe(`night ${ID.slice(0, 8)}: ${text}`);
    expect(call.out).toHaveLength(7);
  });

  it('is the newest of a name, and one of an id', async () => {
    const other = {
      ...rows[0]!,
      dag: { ...rows[0]!.dag, id: '11111111-d9cb-469f-a165-70867728950e' },
    };
    const answers = { 'job.list': { jobs: [other, ...rows], next: '' } };
    const named = staged({ args: ['night'], answers });
    await show(named);
    expect(named.out[0]).toContain('of 5 jobs');
    await expect(show(staged({ args: ['0f'], answers }))).rejects.toThrow('several DAGs');
    const none = { 'job.list': { jobs: [], next: '' } };
    await expect(show(staged({ args: ['x'], answers: none }))).rejects.toThrow(
      'no job is of a DAG x',
    );
  });
});
