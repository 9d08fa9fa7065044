import { describe, expect, it } from 'vitest';
import { inserted, markdown, parseLines } from '../../bin/bench-table.ts';

const line = (metric: string, ours: number) =>
  JSON.stringify({
    bench: 'mesh',
    metric,
    unit: '1/s',
    ours,
    beside: 1_234_567.8,
    besideName: 'bare',
    ratio: 0.5,
    runs: 5,
  });

describe('the table of what was measured', () => {
  it('has a row a metric, the last that was measured', () => {
    const text = ['mesh: a note', line('asks', 1), line('tells', 0.012345), line('asks', 23.456)];
    expect(markdown(parseLines(text.join('\n'))).split('\n')).toEqual([
      '| bench | metric | ours | beside | which is | ratio | rounds |',
      '| --- | --- | ---: | ---: | --- | ---: | ---: |',
      '| mesh | asks, 1/s | 23.5 | 1,234,568 | bare | 0.50 | 5 |',
      '| mesh | tells, 1/s | 0.0123 | 1,234,568 | bare | 0.50 | 5 |',
    ]);
  });

  it('takes its place between the marks of a page, also the second time', () => {
    const page = 'a\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nb\n';
    const once = inserted(page, 'new');
    expect(once).toBe('a\n<!-- measured: begin -->\n\nnew\n\n<!-- measured: end -->\nb\n');
    expect(inserted(once, 'new')).toBe(once);
    expect(() => inserted('a page', 'new')).toThrow('has no');
  });
});
