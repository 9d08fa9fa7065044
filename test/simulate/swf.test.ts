import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readSwf, writeSwf } from '../../src/simulate/swf.ts';

const header = '; UnixStartTime: 1000\n;MaxNodes: 8 (of one rack)\n; MaxProcs: 32\n; Note: hi\n';
/** 18 fields, some of them as wanted; the others are unknown. */
const line = (fields: Readonly<Record<number, number | string>>): string =>
  Array.from({ length: 18 }, (_, at) => fields[at + 1] ?? -1).join(' ');
const job = { 1: 1, 2: 10, 4: 60, 5: 4, 8: 6, 9: 120, 10: 2048, 11: 1, 12: 3, 13: 2, 15: 1 };
const read = (...lines: readonly string[]) => readSwf(`${header}${lines.join('\n')}\n`);

describe('a line of a trace', () => {
  it('tells when a job came, what it asked for, how long it ran', () => {
    const { trace, faults } = read(line(job));
    expect(faults).toEqual([]);
    expect(trace).toEqual({
      machine: { nodes: 8, cpus: 4 },
      leftOut: 0,
      jobs: [
        {
          name: '1',
          submittedAt: 1_010_000,
          runMs: 60_000,
          walltimeMs: 120_000,
          wants: { is: 'processors', count: 6, memoryBytes: 2048 * 1024 },
          owner: '3',
          account: '2',
          queue: '1',
        },
      ],
    });
  });

  it('may leave open what it asked for: then it is what it used', () => {
    const [past] = read(line({ ...job, 8: -1, 9: -1, 10: -1, 12: -1 })).trace.jobs;
    expect(past).toMatchObject({
      walltimeMs: 0,
      owner: '',
      wants: { count: 4, memoryBytes: 0 },
    });
  });

  it('of a job that did not run, or of a part of one, is left out', () => {
    const { trace, faults } = read(
      line({ ...job, 4: -1, 11: 5 }),
      line({ ...job, 1: 2, 5: -1, 8: 0 }),
      line({ ...job, 1: 3, 11: 2 }),
      line({ ...job, 1: 3 }),
    );
    expect(faults).toEqual([]);
    expect(trace.leftOut).toBe(2);
    expect(trace.jobs.map(({ name }) => name)).toEqual(['3']);
  });

  it('may say after which other one it comes, also where the lines are in no order', () => {
    const { trace } = read(
      line({ ...job, 2: 50 }),
      line({ ...job, 1: 2, 2: 20, 17: 1, 18: 7 }),
      line({ ...job, 1: 3, 2: 30, 17: 1 }),
    );
    expect(trace.jobs.map(({ name, after }) => [name, after])).toEqual([
      ['2', { job: 2, thinkMs: 7_000 }],
      ['3', { job: 2 }],
      ['1', undefined],
    ]);
  });

  it.each([
    ['1 2 3', 'wanted 18 fields, found 3'],
    [`${line(job)} 7`, 'wanted 18 fields, found 19'],
    [line({ ...job, 4: 'x1' }), 'field 4: "x1" is no number'],
    [line({ ...job, 4: 'Infinity' }), 'field 4: "Infinity" is no number'],
    [line({ ...job, 4: '0x10' }), 'field 4: "0x10" is no number'],
    [line({ ...job, 2: -1 }), 'field 2, the submit time, is "-1", not 0 to 10000000000'],
    [line({ ...job, 4: 1e11 }), 'field 4, the run time, is "100000000000", not -1'],
    [line({ ...job, 8: 1e9 }), 'field 8, the requested processors,'],
    [line({ ...job, 11: 6 }), 'field 11, the status, is "6", not -1 to 5'],
    [line({ ...job, 17: 9 }), 'field 17: no line before is of a job 9'],
    [line({ ...job, 17: 1 }), 'field 17: no line before is of a job 1'],
  ])('%s is refused', (text, why) => {
    const { faults, trace } = read(line({ ...job, 1: 7 }), text, '', line({ ...job, 1: 8 }));
    expect(faults).toEqual([{ line: 6, text: expect.stringContaining(why) }]);
    expect(trace.jobs.map(({ name }) => name)).toEqual(['7', '8']);
  });

  it('is of a job that no other line is of', () => {
    expect(read(line(job), line(job)).faults).toEqual([
      { line: 6, text: 'field 1: there is a job 1 already' },
    ]);
  });
});

describe('a trace', () => {
  const number = fc.integer({ min: 1, max: 10_000 });
  const past = fc.record({
    submittedAt: number.map((of) => of * 1000),
    runMs: number.map((of) => of * 1000),
    walltimeMs: fc.constantFrom(0, 60_000, 3_600_000),
    wants: number.map((count) => ({ is: 'processors' as const, count, memoryBytes: 0 })),
    owner: number.map(String),
    account: fc.constantFrom('', '7'),
    queue: fc.constantFrom('', '2'),
  });

  it('is the same when it is written and read again', () => {
    fc.assert(
      fc.property(fc.array(past, { minLength: 1, maxLength: 30 }), (all) => {
        const jobs = all
          .toSorted((a, b) => a.submittedAt - b.submittedAt)
          .map((each, at) => ({ ...each, name: String(at + 1) }));
        const trace = { jobs, machine: { nodes: 4, cpus: 8 }, leftOut: 0 };
        expect(readSwf(writeSwf(trace, ['a word']))).toEqual({ trace, faults: [] });
      }),
    );
  });

  it('of any text whatsoever is read, and what is wrong is in a line that there is', () => {
    const word = fc.oneof(fc.integer().map(String), fc.string(), fc.constantFrom('-1', '1e9', ';'));
    const row = fc.array(word, { maxLength: 20 }).map((words) => words.join(' '));
    fc.assert(
      fc.property(fc.array(row, { maxLength: 8 }), (rows) => {
        const text = rows.join('\n');
        const { trace, faults } = readSwf(text);
        const isJob = (raw: string): boolean => raw.trim() !== '' && !raw.trim().startsWith(';');
        const lines = text.split('\n');
        for (const fault of faults) expect(isJob(lines[fault.line - 1] ?? '')).toBe(true);
        expect(trace.jobs.length + faults.length).toBeLessThanOrEqual(lines.filter(isJob).length);
      }),
    );
  });
});
