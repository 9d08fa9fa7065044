import { describe, expect, it } from 'vitest';
import { keeping } from '../../src/actors/schedule/keeping.ts';
import { scheduleMessage, scheduleRows } from '../../src/actors/session/schedules.ts';
import { limits } from '../../src/protocol/limits.ts';
import { type Body, message } from '../../src/protocol/messages.ts';
import { memoryStore } from './memory.ts';
import { aSchedule, keepOf, SCHEDULE } from './schedules.ts';
import { ANN, BEN, ID, OPERATOR, submitted } from './things.ts';

const store = memoryStore();
store.keep(keeping, `/schedules/${SCHEDULE}`, aSchedule());
const ports = {
  store,
  jobId: (owner: string, key = ''): string => `${owner} ${key}`,
  nextTick: (cron: string): number | undefined => (cron === 'never' ? undefined : 900),
  now: () => 800,
  current: async () => {},
};
const admit = async () => submitted();
const say = (
  user: typeof ANN | typeof BEN | typeof OPERATOR,
  asked: Parameters<typeof scheduleMessage>[2],
) => scheduleMessage(ports, user, asked, admit);
const add = (change: Partial<Body<'schedule.add'>> = {}) =>
  message('schedule.add', {
    name: 'nightly',
    cron: '* * * * *',
    zone: 'UTC',
    script: 'true',
    inputs: [],
    ...change,
  });
const set = (to: 'on' | 'paused', name = 'nightly', owner?: string) =>
  message('schedule.set', { name, to, ...(owner && { owner }) });

describe('what is said of a schedule', () => {
  it('is said to its actor, with its next time and what each job is made of', async () => {
    const { id: _, owner: __, ...made } = submitted();
    const schedule = 'ann schedule\nnightly';
    expect(await say(ANN, add())).toEqual(
      message('schedule.keep', keepOf({ schedule, nextAt: 900, made })),
    );
    expect(await say(ANN, add({ missed: 'skip', overlap: 'queue' }))).toMatchObject({
      body: { missed: 'skip', overlap: 'queue' },
    });
    expect(await say(ANN, message('job.cancel', { id: ID }))).toBeUndefined();
  });

  it('is refused if its time never comes, or its owner has too many', async () => {
    await expect(say(ANN, add({ cron: 'never' }))).rejects.toThrow('$.cron: never never comes');
    const full = memoryStore();
    for (let i = 0; i < limits.schedulesMax; i++)
      full.keep(keeping, `/schedules/${i}`, aSchedule());
    const crowd = scheduleMessage({ ...ports, store: full }, ANN, add(), admit);
    await expect(crowd).rejects.toThrow('you have 256 schedules; remove one');
  });

  it('finds one by its name among one’s own, or for operators among another’s', async () => {
    const turn = { schedule: SCHEDULE, to: 'paused', nextAt: 0 };
    expect(await say(ANN, set('paused'))).toEqual(message('schedule.turn', turn as never));
    expect(await say(ANN, set('on'))).toMatchObject({ body: { to: 'on', nextAt: 900 } });
    expect(await say(OPERATOR, set('on', 'nightly', 'ann'))).toMatchObject({
      body: { schedule: SCHEDULE },
    });
    await expect(say(BEN, set('on', 'nightly', 'ann'))).rejects.toThrow('only operators');
    await expect(say(BEN, set('on'))).rejects.toThrow('there is no schedule nightly');
    await expect(say(ANN, set('on', 'nigtly'))).rejects.toThrow('; is nightly meant?');
  });

  it('is listed for its owner, and for operators', () => {
    const [row] = scheduleRows(store, ANN);
    expect(row).toMatchObject({ name: 'nightly', paused: false, lastJob: ID });
    expect(scheduleRows(store, BEN)).toEqual([]);
    expect(scheduleRows(store, OPERATOR)).toEqual([row]);
  });
});
