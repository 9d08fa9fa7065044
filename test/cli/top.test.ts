import { describe, expect, it } from 'vitest';
import { widthOf } from '../../src/cli/table.ts';
import { linesOf, type Picture, sumsOf } from '../../src/cli/top-view.ts';
import type { JobRow } from '../../src/protocol/model.ts';
import type { ClusterRow, NodeRow } from '../../src/protocol/terminal-shapes.ts';
import { jobRow, nodeRow } from '../recorded/values.ts';

const NOW = 1_800_000_000_000;
const job = (id: string, change: Partial<JobRow>): readonly [string, JobRow] => [
  id,
  {
    ...jobRow,
    id,
    name: `job ${id}`,
    nodes: [],
    cluster: '',
    details: '',
    startedAt: 0,
    ...change,
  },
];
const node = (name: string, change: Partial<NodeRow> = {}): readonly [string, NodeRow] => [
  name,
  { ...nodeRow, name, jobs: [], ...change },
];
const each = { cpus: 4, memoryBytes: 1 << 30, gpus: 0 };
const picture = (change: Partial<Picture> = {}): Picture => ({
  node: 'h1',
  leader: 'h2',
  trouble: [],
  jobs: new Map([
    job('waits', { phase: 'queued', details: 'no node\nis free', submittedAt: NOW - 5_000 }),
    job('runs', { phase: 'running', nodes: ['w1', 'w2'], resources: each, startedAt: NOW - 9_000 }),
    job('stages', { phase: 'staging', submittedAt: NOW - 4_000 }),
    job('ends', { phase: 'releasing', submittedAt: NOW - 3_000, resources: each, nodes: ['w3'] }),
  ]),
  nodes: new Map([
    node('w1', { resources: each }),
    node('w2', { resources: each, drained: { since: 1, reason: 'disk' } }),
    node('w3', { resources: each, phase: 'silent' }),
  ]),
  clusters: new Map(
    ['up', 'gone'].map((phase) => [phase, { name: phase, phase, price: 0.5 } as ClusterRow]),
  ),
  submitted: new Map([['waits', NOW - 5_000]]),
  ended: new Map([
    ['a', NOW - 59_999],
    ['b', NOW - 60_000],
  ]),
  ...change,
});

describe('what swm top shows', () => {
  it('counts what is there, and what was in the last minute', () => {
    expect(sumsOf(picture(), NOW)).toEqual({
      node: 'h1',
      leader: 'h2',
      trouble: [],
      jobs: { waiting: 2, running: 1, ending: 1, submitted: 1, ended: 1 },
      nodes: { up: 2, silent: 1, drained: 1 },
      cpus: { all: 8, held: 8 },
      clusters: 1,
      pricePerHour: 0.5,
    });
  });

  it('has what is in trouble first among nodes, and what runs among jobs', () => {
    const text = linesOf(picture(), NOW, { columns: 80, rows: 24 });
    expect(text[1]).toBe('jobs   1 running, 2 waiting, 1 ending; in a minute 1 submitted, 1 ended');
    expect(text[2]).toBe(
      'nodes  2 up, 1 silent, 1 drained; 8 of 8 cpus held; clusters 1, 0.5 an hour',
    );
    expect(text.slice(4).map((line) => line.split(/ {2,}/)[0])).toEqual([
      'NODE',
      'w3',
      'w1',
      'w2',
      '',
      'JOB',
      'runs',
      'waits',
      'stages',
      'ends',
    ]);
    expect(text.find((line) => line.startsWith('runs'))).toMatch(/running +9 s +8 +w1,w2$/);
    expect(text.find((line) => line.startsWith('waits'))).toContain('no node is free');
  });

  it.each([
    [80, 24],
    [40, 12],
    [200, 60],
  ])('fits %d columns and %d rows, both lists in part', (columns, rows) => {
    const many = <R>(make: (at: number) => readonly [string, R]): ReadonlyMap<string, R> =>
      new Map(Array.from({ length: 100 }, (_, at) => make(at)));
    const full = picture({
      trouble: ['x'.repeat(300)],
      jobs: many((at) => job(`j${at}`, { phase: 'running', details: 'd'.repeat(300) })),
      nodes: many((at) => node(`w${at}`, { jobs: Array.from({ length: 50 }, String) })),
    });
    const lines = linesOf(full, NOW, { columns, rows });
    expect(lines).toHaveLength(rows);
    for (const line of lines) if (columns >= 80) expect(widthOf(line)).toBeLessThanOrEqual(columns);
    expect(lines.some((line) => line.startsWith('w'))).toBe(true);
    expect(lines.some((line) => line.startsWith('j0 '))).toBe(true);
    // Few nodes leave their room to jobs.
    const few = linesOf({ ...full, nodes: new Map([node('w1')]) }, NOW, { columns, rows });
    expect(few.filter((line) => line.startsWith('j')).length).toBe(rows - 4 - 4 - 1 + 1);
  });
});
