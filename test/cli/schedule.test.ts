import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run as add } from '../../src/cli/schedule-add.ts';
import { run as list } from '../../src/cli/schedule-list.ts';
import { run as pause } from '../../src/cli/schedule-pause.ts';
import { run as remove } from '../../src/cli/schedule-remove.ts';
import { run as resume } from '../../src/cli/schedule-resume.ts';
import { scheduleSamples } from '../recorded/schedule-messages.ts';
import { staged } from './call.ts';

describe('schedules, as the command has them', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'swm-schedule-'));
    await writeFile(join(folder, 'a.job'), '#SWM param N\n#SWM name j{{N}}\n');
  });
  afterAll(() => rm(folder, { recursive: true }));
  const adding = (options: object) =>
    staged({
      args: ['nightly', '0 3 * * *', join(folder, 'a.job')],
      options: { param: ['N=4'], ...options },
      answers: { 'schedule.add': { name: 'nightly', nextAt: 0 } },
    });

  it('are added with a script that is read first, in the zone of whoever adds them', async () => {
    const call = adding({ overlap: 'queue' });
    expect(await add(call)).toBe(0);
    const { timeZone: zone } = Intl.DateTimeFormat().resolvedOptions();
    expect(call.asked).toEqual([
      [
        'schedule.add',
        {
          script: '# param N\n#SWM name j4\n',
          file: join(folder, 'a.job'),
          inputs: [],
          name: 'nightly',
          cron: '0 3 * * *',
          zone,
          overlap: 'queue',
        },
      ],
    ]);
    const there = adding({ zone: 'Asia/Tokyo', missed: 'skip' });
    await add(there);
    expect(there.asked[0]?.[1]).toMatchObject({ zone: 'Asia/Tokyo', missed: 'skip' });
  });

  it.each([
    [{ overlap: 'never' }, '--overlap: never is none of allow, skip, queue'],
    [{ missed: 'x' }, '--missed: x is none of run, skip'],
    [{ param: [] }, 'a.job:1:6: parameter N is not given'],
  ])('are not sent with %j', async (options, why) => {
    const call = adding(options);
    await expect(add(call)).rejects.toThrow(why);
    expect(call.asked).toEqual([]);
  });

  it('are listed, and turned by their names', async () => {
    const shown = staged({ answers: { 'schedule.list': scheduleSamples['schedule.list'].reply } });
    await list(shown);
    expect(shown.out.join('\n')).toMatch(/NAME +CRON.*\nnightly +0 3 \* \* \* +UTC/);
    for (const [run, to] of [
      [pause, 'paused'],
      [resume, 'on'],
      [remove, 'removed'],
    ] as const) {
      const answers = { 'schedule.set': { name: 'a' } };
      const call = staged({ args: ['a', 'b'], options: { owner: 'ann' }, answers });
      expect(await run(call)).toBe(0);
      expect(call.asked).toEqual([
        ['schedule.set', { name: 'a', to, owner: 'ann' }],
        ['schedule.set', { name: 'b', to, owner: 'ann' }],
      ]);
    }
  });
});
