import { describe, expect, it } from 'vitest';
import { run } from '../../src/cli/events.ts';
import { run as jobs } from '../../src/cli/jobs.ts';
import type { WatchRow } from '../../src/protocol/watch-row.ts';
import { jobRow, jobView, nodeRow } from '../recorded/values.ts';
import { staged } from './call.ts';

const { id } = jobRow;
const short = id.slice(0, 8);
const rowOf = (phase: string, details = '') => ({ ...jobRow, phase, details });

async function* feed(...rows: readonly (readonly [key: string, row: object | null])[]) {
  for (const [revision, [key, row]] of rows.entries()) yield { revision, key, row };
}

/** What was printed, without the time in front. */
const told = (out: readonly string[]): string[] => out.map((line) => line.slice(21));

describe('swm events', () => {
  it('of one job tells each change once, to its end', async () => {
    const watched = () =>
      feed(
        [id, rowOf('running')],
        ['', null],
        [id, rowOf('running')],
        [id, rowOf('collecting', 'a\u001bb')],
        [id, rowOf('ended')],
        [id, rowOf('queued')],
      );
    const call = staged({ args: ['x'], watched, answers: { 'job.show': { job: jobView } } });
    expect(await run(call)).toBe(0);
    expect(call.out.every((line) => /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}/.test(line))).toBe(true);
    expect(told(call.out)).toEqual([
      `job ${short}  running`,
      `job ${short}  collecting: a\ufffdb`,
      `job ${short}  ended`,
    ]);
  });

  it('begins with what became of it', async () => {
    const watched = () => feed([id, rowOf('ended')]);
    const timeline = [
      { at: 1_000, what: 'queued' },
      { at: Date.now() - 1_000, what: 'running' },
    ];
    const answers = { 'job.show': { job: { ...jobView, timeline } } };
    const of = async (since: string) => {
      const call = staged({ args: ['x'], options: { since }, watched, answers });
      await run(call);
      return told(call.out).map((line) => line.split(' ').at(-1));
    };
    expect(await of('0')).toEqual(['queued', 'running', 'ended']);
    expect(await of('10m')).toEqual(['running', 'ended']);
    await expect(of('soon')).rejects.toThrow('soon is no span');
    await expect(run(staged({ options: { since: '1h' } }))).rejects.toThrow('name it');
  });

  it('of all leaves out what was there before', async () => {
    const watched = (what: string): AsyncGenerator<WatchRow, void, void> => {
      if (what === 'jobs') return feed([id, rowOf('queued')], ['', null], [id, null]);
      const up = { ...nodeRow, name: 'w1' };
      return what === 'nodes' ? feed(['', null], ['w1', up]) : feed(['', null]);
    };
    const call = staged({ watched: watched as never });
    await run(call);
    expect(told(call.out).sort()).toEqual([`job ${short}  is no more`, 'node w1  up']);
    const json = staged({ json: true, watched: watched as never });
    await run(json);
    expect(json.out.map((line) => JSON.parse(line) as object)).toContainEqual({
      at: expect.any(Number) as number,
      what: 'jobs',
      revision: 2,
      key: id,
      row: null,
    });
  });
});

describe('swm jobs --watch', () => {
  it('shows the list, and again once something has changed', async () => {
    let lists = 0;
    async function* watched() {
      yield { revision: 1, key: '', row: null };
      while (lists < 1) await new Promise((resolve) => setTimeout(resolve, 1));
      yield { revision: 2, key: id, row: jobRow };
      while (lists < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const answers = { 'job.list': { jobs: [jobRow], next: '' } };
    const call = staged({ options: { watch: true }, watched, answers, json: true });
    const print = call.screen.printJson;
    const screen = {
      ...call.screen,
      printJson: (value: unknown) => {
        lists += 1;
        print(value);
      },
    };
    expect(await jobs({ ...call, screen })).toBe(0);
    expect(call.out).toEqual([JSON.stringify([jobRow]), JSON.stringify([jobRow])]);
  });
});
