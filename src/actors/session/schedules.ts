import { nearest } from '../../protocol/didyoumean.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { type Body, type Message, message } from '../../protocol/messages.ts';
import type { ScheduleRow } from '../../protocol/schedule-shapes.ts';
import type { Who } from '../../protocol/who.ts';
import type { Millis, Records } from '../../runtime/ports.ts';
import { schedulesOf } from '../schedule/keeping.ts';
import type { Schedule } from '../schedule/schedule.ts';
import type { SessionTasks } from './session.ts';

type Scheduling = {
  readonly store: Records;
  readonly jobId: (owner: string, key: string | undefined) => string;
  readonly nextTick: (cron: string, zone: string, after: Millis) => Millis | undefined;
  readonly now: () => Millis;
  readonly current: () => Promise<void>;
};
type Admit<P> = (ports: P, input: SessionTasks['admit'][0]) => Promise<Body<'job.create'>>;

/** What a call about a schedule says to its actor; undefined: it is another call. */
export async function scheduleMessage<P extends Scheduling>(
  ports: P,
  user: Who,
  asked: Message,
  admit: Admit<P>,
): Promise<Message | undefined> {
  if (asked.name !== 'schedule.add' && asked.name !== 'schedule.set') return undefined;
  await ports.current();
  return asked.name === 'schedule.add'
    ? added(ports, user, asked.body, admit)
    : set(ports, user, asked.body);
}

/** Its script is checked now as if it were submitted now. */
async function added<P extends Scheduling>(
  ports: P,
  user: Who,
  asked: Body<'schedule.add'>,
  admit: Admit<P>,
): Promise<Message> {
  const { name, cron, zone, missed = 'run', overlap = 'allow', ...body } = asked;
  const nextAt = nextOf(ports, { cron, zone });
  if (schedulesOf(ports.store, user.id).length >= limits.schedulesMax)
    throw new Failed('too_large', `you have ${limits.schedulesMax} schedules; remove one`);
  const { id: _, owner, ...made } = await admit(ports, { user, from: '', body });
  const schedule = idOf(ports, owner, name);
  const kept = { schedule, owner, name, cron, zone, missed, overlap, nextAt, made };
  return message('schedule.keep', kept);
}

function nextOf(
  { nextTick, now }: Scheduling,
  { cron, zone }: Pick<Schedule, 'cron' | 'zone'>,
): Millis {
  const at = nextTick(cron, zone, now());
  if (at === undefined) throw new Failed('malformed', `$.cron: ${cron} never comes`);
  return at;
}

/** The same for an owner and a name, on every head. */
const idOf = ({ jobId }: Scheduling, owner: string, name: string): string =>
  jobId(owner, `schedule\n${name}`);

function set(ports: Scheduling, user: Who, asked: Body<'schedule.set'>): Message {
  const { name, to, owner = user.id } = asked;
  if (owner !== user.id && user.door !== 'operator')
    throw new Failed('forbidden', 'only operators change the schedules of others');
  const known = schedulesOf(ports.store, owner);
  const found = known.find((one) => one.name === name);
  if (found === undefined) {
    const meant = nearest(
      name,
      known.map((one) => one.name),
    );
    const hint = meant === undefined ? '' : `; is ${meant} meant?`;
    throw new Failed('not_found', `there is no schedule ${name}${hint}`);
  }
  const nextAt = to === 'on' ? nextOf(ports, found) : 0;
  return message('schedule.turn', { schedule: found.id, to, nextAt });
}

/** The schedules of a user; an operator sees all. */
export const scheduleRows = (store: Records, user: Who): ScheduleRow[] =>
  schedulesOf(store, user.door === 'operator' ? undefined : user.id)
    .map(rowOf)
    .sort((a, b) => (a.name < b.name ? -1 : 1));

const rowOf = (one: Schedule): ScheduleRow => ({
  name: one.name,
  owner: one.owner,
  cron: one.cron,
  zone: one.zone,
  missed: one.missed,
  overlap: one.overlap,
  paused: one.phase === 'paused',
  nextAt: one.phase === 'paused' ? 0 : one.nextAt,
  lastAt: one.lastAt,
  lastJob: one.lastJob,
  trouble: one.trouble,
});
