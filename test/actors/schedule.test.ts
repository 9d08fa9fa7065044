import { describe, expect, it } from 'vitest';
import { keeping, schedulesOf } from '../../src/actors/schedule/keeping.ts';
import { type Schedule, schedule } from '../../src/actors/schedule/schedule.ts';
import { scheduleTasks } from '../../src/actors/schedule/tasks.ts';
import { keeping as userKeeping } from '../../src/actors/user/keeping.ts';
import { failure } from '../../src/protocol/errors.ts';
import type { Any } from './brief.ts';
import { inTurn, playForgetful } from './forgetful.ts';
import { memoryStore } from './memory.ts';
import { aSchedule, keepOf, MINUTE, SCHEDULE } from './schedules.ts';
import { answered, done, failed, NOW, Stage, told, unanswered } from './stage.ts';
import { ANN, BEN, ID, OPERATOR, OTHER, spec } from './things.ts';

const on = (change: Partial<Schedule> = {}) => new Stage<Schedule>(schedule, aSchedule(change));
const due = (change: Partial<Schedule> = {}) => on({ phase: 'due', nextAt: NOW, ...change });
const tick = { is: 'tick' };
const keep = (change = {}, who = ANN as Parameters<typeof told>[3]) =>
  told('schedule.keep', keepOf(change), 7, who);
const turn = (to: 'on' | 'paused' | 'removed', who: Parameters<typeof told>[3] = ANN) =>
  told('schedule.turn', { schedule: SCHEDULE, to, nextAt: NOW + 5 * MINUTE }, 8, who);
const planned = (refused = '') => done('plan', { job: OTHER, nextAt: NOW + MINUTE, refused });
const CREATE = `ask /jobs/${OTHER} job.create (create)`;
const LAST = `ask /jobs/${ID} job.await (last)`;
const WAITS = `after ${MINUTE} tick`;
const down = failure('stopping', 'down');

describe('a schedule', () => {
  it('is kept once, and waits for its time', () => {
    const stage = new Stage<Schedule>(schedule, schedule.init(keepOf(), NOW));
    const reply = `reply 7 ${JSON.stringify({ name: 'nightly', nextAt: NOW + MINUTE })}`;
    expect(stage.hear(keep())).toEqual({ phase: 'waiting', moved: true, effects: [reply, WAITS] });
    expect(stage.entered(MINUTE - 5)).toEqual(['after 5 tick']);
    // Said once more, with the time that is next by then, it is the same.
    const { state } = stage;
    expect(stage.hear(keep({ nextAt: NOW + 9 * MINUTE })).effects).toEqual([reply]);
    expect(stage.state).toBe(state);
    expect(stage.hear(keep({ cron: '1 * * * *' })).effects).toEqual([
      'refuse 7 refused: there is a schedule nightly already; remove it first',
    ]);
    expect(on({ nextAt: 0 }).entered()).toEqual([]);
  });

  it('keeps the time before it makes the job of it, whose name is always the same', () => {
    const stage = on({ nextAt: NOW });
    expect(stage.hear(tick, 10)).toEqual({ phase: 'due', moved: true, effects: ['run plan'] });
    const input = { id: SCHEDULE, owner: 'ann', at: NOW, cron: '* * * * *', zone: 'UTC' };
    expect(stage.raw).toMatchObject([{ input: { ...input, after: NOW + 10 } }]);
    expect(stage.hear(planned(), 10).effects).toEqual([CREATE]);
    expect(stage.sent('job.create')).toEqual({
      ...keepOf().made,
      id: OTHER,
      owner: 'ann',
      spec: spec({ name: 'nightly' }),
    });
    expect(stage.hear(answered('job.create', { id: OTHER }, 'create'), 10)).toEqual({
      phase: 'waiting',
      moved: true,
      effects: [`after ${MINUTE - 10} tick`],
    });
    const last = { lastAt: NOW, lastJob: OTHER, nextAt: NOW + MINUTE, trouble: '', plan: null };
    expect(stage.state).toMatchObject(last);
  });

  it('does not go before its time', () => {
    expect(on({ nextAt: NOW + 5 }).hear(tick)).toEqual({
      phase: 'waiting',
      moved: false,
      effects: ['after 5 tick'],
    });
  });

  it('asks again for the same job until it has heard of it', () => {
    const stage = due();
    stage.hear(planned());
    expect(stage.hear(unanswered(down, 'create')).effects).toEqual(['after 1000 again']);
    expect(stage.hear({ is: 'again' })).toMatchObject({ moved: true, effects: [CREATE] });
    expect(stage.entered()).toEqual([CREATE]);
    // What is refused for good is told, and the next time is another.
    const no = failure('key_reused', 'this key has made another');
    expect(stage.hear(unanswered(no, 'create')).phase).toBe('waiting');
    expect(stage.state).toMatchObject({ lastJob: ID, trouble: 'this key has made another' });
    const unplanned = due();
    expect(unplanned.hear(failed('plan', down)).effects).toEqual(['after 1000 again']);
    expect(unplanned.hear({ is: 'again' }).effects).toEqual(['run plan']);
  });

  it('makes none for an owner who may have none', () => {
    const stage = due();
    expect(stage.hear(planned('its owner is revoked'))).toMatchObject({ effects: [WAITS] });
    expect(stage.state).toMatchObject({ lastJob: ID, trouble: 'its owner is revoked' });
  });

  it.each([
    ['run', MINUTE, 'made'],
    ['run', 99 * MINUTE, 'made'],
    ['skip', MINUTE, 'made'],
    ['skip', MINUTE + 1, 'skipped'],
  ] as const)(
    'that has `missed: %s` and is late by %i ms has its job %s',
    (missed, lateMs, what) => {
      const stage = on({ missed, nextAt: NOW });
      stage.hear(tick, lateMs);
      expect(stage.raw).toMatchObject([{ input: { at: NOW, after: NOW + lateMs } }]);
      const { effects } = stage.hear(planned(), lateMs);
      if (what === 'made') expect(effects).toEqual([CREATE]);
      else
        expect(stage.state).toMatchObject({
          phase: 'waiting',
          skips: false,
          trouble: `nothing could run at ${new Date(NOW).toISOString()}`,
        });
    },
  );

  const running = { started: true, state: '', exitcode: 0 };
  it.each([
    ['skip', running, 'the job before, 0197f3a2, has not ended'],
    ['skip', { ...running, state: 'E' }, ''],
    ['queue', running, ''],
    ['queue', { ...running, started: false }, 'the job before, 0197f3a2, has not started'],
    ['queue', { ...running, started: false, state: 'C' }, ''],
  ] as const)(
    'that has `overlap: %s`, and a job before that is %j',
    (overlap, standing, trouble) => {
      const stage = due({ overlap });
      expect(stage.hear(planned()).effects).toEqual([LAST]);
      const { effects } = stage.hear(answered('job.await', standing, 'last'));
      if (trouble !== '') return expect(stage.state).toMatchObject({ phase: 'waiting', trouble });
      expect(effects).toEqual([CREATE]);
      expect(stage.sent('job.create').spec.after).toEqual(
        overlap === 'queue' ? [{ when: 'after-any', jobs: [ID] }] : [],
      );
    },
  );

  it('asks nobody how the one before is if there was none, and is told if it is forgotten', () => {
    expect(due({ overlap: 'skip', lastJob: '' }).hear(planned()).effects).toEqual([CREATE]);
    const stage = due({ overlap: 'skip' });
    stage.hear(planned());
    expect(stage.hear(unanswered(down, 'last')).effects).toEqual(['after 1000 again']);
    const gone = failure('not_found', 'no job');
    expect(stage.hear(unanswered(gone, 'last')).effects).toEqual([CREATE]);
  });

  it.each(['waiting', 'due', 'paused'] as const)(
    'is paused, goes on and goes, while %s',
    (phase) => {
      const stage = on({ phase });
      const reply = 'reply 8 {"name":"nightly"}';
      expect(stage.hear(turn('paused'))).toMatchObject({ phase: 'paused', effects: [reply] });
      expect(stage.hear(planned()).effects).toEqual([]);
      const WAIT = `after ${5 * MINUTE} tick`;
      expect(stage.hear(turn('on'))).toMatchObject({ phase: 'waiting', effects: [reply, WAIT] });
      expect(stage.hear(turn('on'))).toMatchObject({ moved: false, effects: [reply] });
      expect(stage.hear(turn('removed', OPERATOR))).toMatchObject({ phase: 'removed' });
      expect(keeping.split(stage.state)).toEqual({});
      expect(stage.hear(turn('on')).effects).toEqual([
        'refuse 8 not_found: there is no schedule nightly',
      ]);
      // Another of that name begins anew.
      stage.hear(keep({ cron: '1 * * * *' }));
      expect(stage.state).toMatchObject({ phase: 'waiting', lastJob: '', cron: '1 * * * *' });
    },
  );

  it('is nobody’s but its owner’s', () => {
    for (const event of [keep({}, BEN), turn('removed', BEN)]) {
      const stage = on();
      expect(stage.hear(event).effects[0]).toMatch(/forbidden: .* belongs to somebody else$/);
      expect(stage.state.phase).toBe('waiting');
    }
  });

  it('forgets what it was about to do, and makes its job all the same', () => {
    const isMade = inTurn(false, false, true);
    const answer = (effect: Any): readonly object[] => {
      if (effect.do === 'run') return [planned()];
      if (effect.do !== 'ask') return [];
      return [isMade() ? answered('job.create', {}, 'create') : unanswered(down, 'create')];
    };
    const begun = aSchedule({ phase: 'due', nextAt: NOW });
    const around = { answer, byItself: () => [] };
    const { state } = playForgetful(schedule, begun, around, ({ phase }) => phase === 'waiting');
    expect(state).toMatchObject({ lastJob: OTHER, nextAt: NOW + MINUTE });
  });
});

describe('what is kept of schedules', () => {
  it('lives from a start while it has a time', () => {
    const index = (phase: Schedule['phase']) => keeping.index(aSchedule({ phase }), '');
    expect([index('waiting'), index('due'), index('paused')]).toEqual([
      ['/live/schedules'],
      ['/live/schedules'],
      [],
    ]);
    const store = memoryStore();
    store.keep(keeping, `/schedules/${SCHEDULE}`, aSchedule());
    expect(schedulesOf(store, 'ann')).toEqual([aSchedule()]);
    expect(schedulesOf(store, 'ben')).toEqual([]);
    expect(schedulesOf(store)).toHaveLength(1);
  });

  it('plans one job for one time, and none for who is revoked', async () => {
    const store = memoryStore();
    const jobId = (owner: string, key = ''): string => `${owner} ${key}`;
    const nextTick = (): undefined => undefined;
    const { plan } = scheduleTasks({ store, jobId, nextTick });
    const input = { id: SCHEDULE, owner: 'ann', at: 5, cron: '* * * * *', zone: 'UTC', after: 6 };
    const job = `ann schedule\n${SCHEDULE}\n5`;
    const context = {} as never;
    expect(await plan(input, context)).toEqual({ job, nextAt: 0, refused: '' });
    const user = { id: 'ann', name: 'ann', role: 'user', tokenHash: '', expiresAt: 0, keys: [] };
    const revoked = { ...user, phase: 'revoked', round: 1, since: 0 } as const;
    store.keep(userKeeping, '/users/ann', revoked as never);
    expect(await plan(input, context)).toMatchObject({ refused: 'its owner is revoked' });
  });
});
