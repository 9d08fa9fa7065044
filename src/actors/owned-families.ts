import { failure } from '../protocol/errors.ts';
import type { Families } from '../runtime/family.ts';
import { family } from '../runtime/family.ts';
import { pool } from '../runtime/pool.ts';
import { keeping as safeKeeping } from './safe/keeping.ts';
import { safe } from './safe/safe.ts';
import { keeping as scheduleKeeping } from './schedule/keeping.ts';
import { schedule } from './schedule/schedule.ts';
import { type SchedulePorts, scheduleTasks } from './schedule/tasks.ts';
import { keeping as userKeeping } from './user/keeping.ts';
import { user } from './user/user.ts';

const noTasks = {};

/** What is somebody's own: secrets, schedules, and the place in the registry itself. */
export const ownedFamilies = (ports: SchedulePorts): Families => ({
  ...forSecrets,
  ...forUsers,
  ...forSchedules(ports),
});

const forSecrets: Families = {
  safes: family({
    behaviour: pool,
    hears: [],
    tasks: noTasks,
    pool: {
      family: 'safe',
      openedBy: ['secret.keep'],
      unknown: () => failure('not_found', 'there is no such secret'),
    },
  }),
  safe: family({
    behaviour: safe,
    hears: ['secret.keep', 'secret.drop'] as const,
    tasks: noTasks,
    keeping: safeKeeping,
    rests: () => true,
  }),
};

const forSchedules = (ports: SchedulePorts): Families => ({
  schedules: family({
    behaviour: pool,
    hears: [],
    tasks: noTasks,
    pool: {
      family: 'schedule',
      openedBy: ['schedule.keep'],
      unknown: () => failure('not_found', 'there is no such schedule'),
    },
  }),
  schedule: family({
    behaviour: schedule,
    hears: ['schedule.keep', 'schedule.turn'] as const,
    tasks: scheduleTasks(ports),
    keeping: scheduleKeeping,
    rests: ({ phase, nextAt }) =>
      phase === 'paused' || phase === 'removed' || (phase === 'waiting' && nextAt === 0),
  }),
});

const forUsers: Families = {
  users: family({
    behaviour: pool,
    hears: [],
    tasks: noTasks,
    pool: {
      family: 'user',
      openedBy: ['user.expect', 'user.drop'],
      unknown: () => failure('not_found', 'there is no such user'),
    },
  }),
  user: family({
    behaviour: user,
    hears: ['user.expect', 'user.enrol', 'user.rekey', 'user.drop'] as const,
    tasks: noTasks,
    keeping: userKeeping,
    rests: () => true,
  }),
};
