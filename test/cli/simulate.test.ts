import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { results } from '../../src/cli/results.ts';
import { run } from '../../src/cli/simulate.ts';
import type { Options } from '../../src/cli/verb.ts';
import { Failed } from '../../src/protocol/errors.ts';
import type { JobRow } from '../../src/protocol/model.ts';
import { jobRow, jobView } from '../recorded/values.ts';
import { nestingOf } from '../simulate/xml.ts';
import { staged } from './call.ts';

const examples = join(import.meta.dirname, '../../examples');
const day = join(examples, 'traces/day-16.swf');
const policies = ['fcfs', 'easy', 'fair'].map((name) => join(examples, `policies/${name}.yaml`));
let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'swm-simulate-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function file(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

type Row = { readonly policy: string; readonly jobs: number; readonly cost: number } & Figures;
type Figures = { readonly waitMeanMs: number; readonly slowdown: number };

async function rowsOf(args: readonly string[], options: Options = {}): Promise<readonly Row[]> {
  const call = staged({ args, options, json: true });
  expect(await run(call)).toBe(0);
  const rows = JSON.parse(call.out[0]!) as readonly Row[];
  expect(Value.Check(results['simulate']!, rows)).toBe(true);
  return rows;
}

describe('swm simulate', () => {
  it('compares policies on a trace, and draws how it went', async () => {
    const svg = join(folder, 'day.svg');
    const [fcfs, easy, fair] = await rowsOf([day], { policy: policies, svg });
    expect([fcfs, easy, fair].map((row) => row?.policy)).toEqual(['fcfs', 'easy', 'fair']);
    expect(new Set([fcfs, easy, fair].map((row) => row?.jobs)).size).toBe(1);
    expect(easy!.waitMeanMs).toBeLessThan(fcfs!.waitMeanMs);
    expect(easy!.slowdown).toBeLessThan(fcfs!.slowdown);
    const drawn = await readFile(svg, 'utf8');
    expect(nestingOf(drawn)).toBe('');
    expect(drawn).toContain('day-16.swf');
  });

  it('prints a table, of a packed trace as of a plain one', async () => {
    const packed = await file('day.gz', gzipSync(await readFile(day)));
    const [plain, same] = [staged({ args: [day] }), staged({ args: [packed] })];
    expect([await run(plain), await run(same)]).toEqual([0, 0]);
    expect(plain.out[0]).toMatch(/^POLICY +JOBS +WAIT +MEDIAN +95 % +SLOWDOWN +USED/);
    expect(plain.out[1]).toMatch(/^default +\d+ /);
    expect(same.out).toEqual(plain.out);
  });

  it('runs it on a machine that is described, and tells who has no place there', async () => {
    const machine = [
      'nodes:',
      '  - { name: thin, count: 8, cpus: 4, labels: [old] }',
      'sites:',
      '  - name: sky',
      '    clusters: 2',
      '    cpus: 16',
      '    bootMs: 120000',
      '    flavors: [{ name: small, cpus: 4, price: 0.4 }]',
    ];
    const cluster = await file('machine.yaml', machine.join('\n'));
    const [row] = await rowsOf([day], { cluster });
    expect(row?.cost).toBeGreaterThan(0);
    const few = await file('few.yaml', '{ nodes: [{ name: n, count: 4, cpus: 4 }] }');
    const call = staged({ args: [day], options: { cluster: few } });
    expect(await run(call)).toBe(0);
    expect(call.notes.join('\n')).toMatch(
      /default: job \d+ and \d+ more never started: needs \d no/,
    );
  });

  it('replays what the heads keep', async () => {
    const ended = { ...jobRow, phase: 'ended', state: 'F', nodes: ['n'], startedAt: 5, endedAt: 9 };
    const rows = ['1', '2', '3'].map((digit): object => {
      const id = jobRow.id.replace(/.$/, digit);
      return { ...ended, id, submittedAt: 4, resources: { cpus: 2, memoryBytes: 0, gpus: 0 } };
    });
    const waits = { ...jobRow, phase: 'queued', startedAt: 0, endedAt: 0 };
    const shown = {
      job: { ...jobView, ...rows[0], spec: { ...jobView.spec, walltimeMs: 60_000 } },
    };
    const cluster = await file('one.yaml', '{ nodes: [{ name: n, count: 1, cpus: 4 }] }');
    const answers = { 'job.list': { jobs: [...rows, waits], next: '' }, 'job.show': shown };
    const call = staged({ options: { history: true, cluster }, json: true, answers });
    expect(await run(call)).toBe(0);
    expect(JSON.parse(call.out[0]!)).toMatchObject([{ jobs: 4, never: 0, makespanMs: 8 }]);
    expect(call.asked.map(([name]) => name)).toEqual(['job.list', ...Array(4).fill('job.show')]);
    // The same from a file, of one that was removed before it was shown, and of one that waits.
    const gone = {
      'job.list': { jobs: rows, next: '' },
      'job.show': new Failed('not_found', 'gone'),
    };
    const unseen = staged({ options: { history: true, cluster }, json: true, answers: gone });
    expect(await run(unseen)).toBe(0);
    const list = await file('jobs.json', JSON.stringify([...rows, waits] as JobRow[]));
    expect(await rowsOf([list], { cluster })).toEqual(JSON.parse(unseen.out[0]!));
  });

  it.each<readonly [string, string | Uint8Array, Options, string]>([
    ['bad.swf', '; a word\n1 2 3\n', {}, 'bad.swf:2: wanted 18 fields, found 3'],
    ['none.swf', '; MaxNodes: 4\n', {}, 'there is no job in it that ever ran'],
    ['odd.json', '[{}]', {}, 'odd.json: job 1 of the list: '],
    ['half.json', '[{', {}, 'half.json: is no JSON: '],
    ['cut.gz', gzipSync('1 2 3').subarray(0, 12), {}, 'cut.gz: cannot be read as text: '],
    ['bytes.swf', Uint8Array.of(0xc0, 0xaf), {}, 'bytes.swf: cannot be read as text: '],
    ['bare.swf', `1 1 0 5 1 ${'-1 '.repeat(13)}`, {}, 'describe one with --cluster'],
  ])('%s is refused', async (name, content, options, why) => {
    const call = staged({ args: [await file(name, content)], options });
    await expect(run(call)).rejects.toThrow(why);
  });

  it.each([
    ['cluster', '{ nodes: [{ name: n, count: 0, cpus: 1 }] }', 'wrong.yaml:1:22: nodes.0.count: '],
    [
      'cluster',
      '{ nodes: [], odd: 1 }',
      'wrong.yaml:1:14: odd: is unknown; known are nodes, sites',
    ],
    [
      'policy',
      '{ scheduler: { backfil: off } }',
      'scheduler.backfil: is unknown; did you mean backf',
    ],
    ['policy', '{ scheduler: { reserve: -1 } }', 'wrong.yaml:1:16: scheduler.reserve: '],
    ['policy', '{ mesh: {} }', 'wrong.yaml: has no section scheduler'],
  ])('a %s such as %s is refused', async (flag, text, why) => {
    const path = await file('wrong.yaml', text);
    const options = { [flag]: flag === 'policy' ? [path] : path };
    await expect(run(staged({ args: [day], options }))).rejects.toThrow(why);
  });

  it('wants a trace, or the history', async () => {
    await expect(run(staged({}))).rejects.toThrow('simulate TRACE, or simulate --history');
    const both = staged({ args: [day], options: { history: true } });
    await expect(run(both)).rejects.toThrow('simulate TRACE, or simulate --history');
  });
});
