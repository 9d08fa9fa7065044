import { describe, expect, it } from 'vitest';
import { run as accounts } from '../../src/cli/accounts.ts';
import { run as hold } from '../../src/cli/hold.ts';
import { run as release } from '../../src/cli/release.ts';
import { run as update } from '../../src/cli/update.ts';
import { run as usage } from '../../src/cli/usage.ts';
import type { Options } from '../../src/cli/verb.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { staged } from './call.ts';

const id = '0197f3a2-5b1c-7d2e-8f30-a1b2c3d4e5f6';

describe('swm hold and swm release', () => {
  it('ask it of each job that is named', async () => {
    const call = staged({ args: ['0197', '0198'], answers: { 'job.hold': { id } } });
    expect(await hold(call)).toBe(0);
    expect(call.asked).toEqual([
      ['job.hold', { id: '0197' }],
      ['job.hold', { id: '0198' }],
    ]);
    expect(call.out).toEqual([id, id]);
  });

  it('say what was refused', async () => {
    const refused = new Failed('forbidden', 'held by an operator');
    const call = staged({ args: ['0197'], json: true, answers: { 'job.release': refused } });
    expect(await release(call)).not.toBe(0);
    expect(JSON.parse(call.out[0]!)).toMatchObject([{ id: '0197', error: { code: 'forbidden' } }]);
  });
});

describe('swm update', () => {
  const changing = (options: Options) =>
    staged({ args: ['0197'], options, answers: { 'job.update': { id } } });

  it('reads what is to change as a script says it', async () => {
    const call = changing({ priority: '-7', time: '2h30m', name: 'a new one' });
    expect(await update(call)).toBe(0);
    const change = { priority: -7, walltimeMs: 9_000_000, name: 'a new one' };
    expect(call.asked).toEqual([['job.update', { id: '0197', ...change }]]);
    expect(call.out).toEqual([id]);
  });

  it.each([
    [{}, '--priority, --time or --name'],
    [{ priority: '1001' }, '`priority`'],
    [{ time: '0' }, '`time`'],
    [{ name: 'x'.repeat(65) }, '`name`'],
    [{ name: '' }, '`name`'],
    [{ name: 'a\n#SWM nodes 9' }, ''],
  ])('refuses %j, or takes it as one line', async (options, text) => {
    const call = changing(options);
    if (text === '') {
      await update(call);
      expect(call.asked).toEqual([['job.update', { id: '0197', name: 'a #SWM nodes 9' }]]);
    } else {
      await expect(update(call)).rejects.toThrow(text);
      expect(call.asked).toEqual([]);
    }
  });
});

describe('swm usage', () => {
  const rows = [
    { name: 'lab', jobs: 2, coreMs: 5_400_000, cost: 1.25 },
    { name: '', jobs: 1, coreMs: 0, cost: 0 },
  ];
  const asking = (options: Options, json = false) =>
    staged({ options, json, answers: { 'usage.list': { rows, next: '' } } });

  it('shows what was used by whom, in a month', async () => {
    const call = asking({ by: 'account', month: '2026-12' });
    expect(await usage(call)).toBe(0);
    const [since, until] = [Date.UTC(2026, 11), Date.UTC(2027, 0)];
    expect(call.asked).toEqual([['usage.list', { by: 'account', since, until, after: '' }]]);
    expect(call.out).toEqual([
      'ACCOUNT  JOBS  CORE-HOURS  COST',
      '-           1        0.00  0.00',
      'lab         2        1.50  1.25',
    ]);
  });

  it('adds up what pages have of one name', async () => {
    const call = asking({}, true);
    const client = await call.client();
    const pages = [
      { rows, next: 'more' },
      { rows, next: '' },
    ];
    const paged = { ...client, call: async () => pages.shift() } as unknown as typeof client;
    await usage({ ...call, client: async () => paged });
    expect(JSON.parse(call.out[0]!)).toEqual([
      { name: '', jobs: 2, coreMs: 0, cost: 0 },
      { name: 'lab', jobs: 4, coreMs: 10_800_000, cost: 2.5 },
    ]);
  });

  it.each([{ by: 'node' }, { month: '2026-13' }, { month: 'may' }])('refuses %j', async (odd) => {
    await expect(usage(asking(odd))).rejects.toThrow(/^swm: --/);
  });
});

describe('swm accounts', () => {
  it('shows what each has cost, and what it may', async () => {
    const rows = [
      { name: 'lab', spent: 5.5, perHour: 0.25, clusters: 2, budget: 100 },
      { name: '', spent: 0.004, perHour: 0, clusters: 0 },
    ];
    const call = staged({ answers: { 'account.list': { accounts: rows } } });
    expect(await accounts(call)).toBe(0);
    expect(call.out).toEqual([
      'ACCOUNT  SPENT  BUDGET  PRICE/H  CLUSTERS',
      'lab       5.50  100.00     0.25         2',
      '-         0.00                0         0',
    ]);
  });
});
