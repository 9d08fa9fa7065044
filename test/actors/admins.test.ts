import { describe, expect, it } from 'vitest';
import { isArray } from '../../src/actors/array/array.ts';
import { type Book, isAdminBy, policyIn } from '../../src/actors/entries/book.ts';
import { job } from '../../src/actors/job/behaviour.ts';
import type { Job } from '../../src/actors/job/job.ts';
import { keeping } from '../../src/actors/job/keeping.ts';
import { row } from '../../src/actors/job/view.ts';
import { type Session, session } from '../../src/actors/session/session.ts';
import { type SessionPorts, sessionTasks } from '../../src/actors/session/tasks.ts';
import { jobOf } from '../../src/api/job-of.ts';
import type { LogSetup } from '../../src/api/log-bytes.ts';
import { openLog } from '../../src/api/logs.ts';
import { Failed } from '../../src/protocol/errors.ts';
import type { Body, Message, Name, Reply } from '../../src/protocol/messages.ts';
import type { Who } from '../../src/protocol/who.ts';
import { plainBook } from './books.ts';
import { memoryStore } from './memory.ts';
import { done, NOW, Stage, told } from './stage.ts';
import { aJob, collected, ID, liveJob, OPERATOR, OTHER, onNodes, report } from './things.ts';

const context = { signal: new AbortController().signal, emit: () => {}, path: '/sessions/1' };
const user = (id: string): Who => ({ door: 'terminal', id });

const accounts: Book['account'] = {
  institute: { budget: 100, admins: ['ivo'] },
  lab: { parent: 'institute', admins: ['ada', 'zoe'] },
  other: { parent: 'institute', admins: ['otto'] },
  below: { parent: 'lab', admins: ['bea'] },
};

/** A head's records with one job in them, and what its terminals get of it. */
function head(state: Job) {
  let book: Book = { ...plainBook, account: accounts };
  const store = memoryStore();
  store.keep(keeping, `/jobs/${ID}`, state);
  const ports = {
    ...{ store, current: async () => {}, now: () => NOW, reasons: async () => ({}) },
    isAdmin: (id: string, account: string) => isAdminBy(book, id, account),
  };
  const tasks = sessionTasks(ports as unknown as SessionPorts);

  /** The call as a session brings it to the job: what the job does, and as what. */
  const say = async <N extends Name>(who: Who, name: N, body: object): Promise<string> => {
    const terminal = new Stage<Session>(session, session.init({ user: who }, NOW));
    let { effects } = terminal.hear(told(name, body as Body<N>, 7));
    if (effects[0] === 'run vouch (7)') {
      const message = { name, body } as Message;
      const value = await tasks.vouch({ user: who, message }, context);
      ({ effects } = terminal.hear(done('vouch', value, '7')));
    }
    expect(effects).toEqual([`ask /jobs/${ID} ${name} (7)`]);
    const { as } = terminal.raw[0] as unknown as { readonly as: Who };
    const stage = new Stage<Job>(job, state);
    const heard = stage.hear(told(name, body as Body<N>, 7, as));
    const refused = heard.effects.find((effect) => effect.startsWith('refuse 7 forbidden'));
    return refused === undefined ? 'yes' : 'no';
  };
  const read = <N extends Name>(who: Who, name: N, body: object): Promise<Reply<N>> =>
    tasks.read({ user: who, message: { name, body } as Message }, context) as Promise<Reply<N>>;
  const enter = (account: Book['account']): void => {
    book = { ...plainBook, account };
  };
  return { store, ports, say, read, enter };
}

const may = async (work: () => Promise<unknown>): Promise<string> => {
  try {
    await work();
    return 'yes';
  } catch (error) {
    if (error instanceof Failed && error.failure.code === 'forbidden') return 'no';
    throw error;
  }
};

const file = { path: 'out.bin', sha256: 'f'.repeat(64), bytes: 3, mode: 0o644 };

type Seen = (who: Who, on: ReturnType<typeof head>) => Promise<string>;
const says =
  (name: Name, body: object = { id: ID }): Seen =>
  (who, { say }) =>
    say(who, name, body);
const list = async (who: Who, { read }: ReturnType<typeof head>, body: object): Promise<string> =>
  (await read(who, 'job.list', body)).jobs.some(({ id }) => id === ID) ? 'yes' : 'no';
const files = async (who: Who, { read }: ReturnType<typeof head>): Promise<string> => {
  const { job: seen } = await read(who, 'job.show', { id: ID });
  return seen.outputs.length + (seen.checkpoint?.files.length ?? 0) > 0 ? 'yes' : 'no';
};

const OWNER_AND_ADMINS = ['yes', 'yes', 'yes', 'no', 'no', 'no', 'yes'];
const OWNER = ['yes', 'no', 'no', 'no', 'no', 'no', 'yes'];
/** The owner, an admin of the account, of the one above, of one beside, of one below, nobody. */
const people = [...['ann', 'ada', 'ivo', 'otto', 'bea', 'ben'].map(user), OPERATOR];

describe('what an admin of its account may do with a job', () => {
  const asked = { account: 'lab', checkpoint: true };
  const queued = aJob({ phase: 'queued' }, asked);
  const brought = { ...collected, outputs: [file], missing: ['no.bin'] };
  const runs: Partial<Job> = {
    reports: [report({ collected: brought })],
    checkpoint: { at: NOW, attempt: 1, files: [file] },
  };
  const ran = liveJob('running', onNodes('n1'), runs, asked);

  it.each<readonly [string, Job, readonly string[], Seen]>([
    ['job.cancel', queued, OWNER_AND_ADMINS, says('job.cancel')],
    ['job.cancel of one that runs', ran, OWNER_AND_ADMINS, says('job.cancel')],
    ['job.requeue', queued, OWNER_AND_ADMINS, says('job.requeue')],
    ['job.hold', queued, OWNER_AND_ADMINS, says('job.hold')],
    ['job.release', queued, OWNER_AND_ADMINS, says('job.release')],
    ['job.update', queued, OWNER_AND_ADMINS, says('job.update', { id: ID, priority: 5 })],
    ['job.checkpoint', ran, OWNER, says('job.checkpoint')],
    ['job.tie', queued, OWNER, says('job.tie')],
    ['job.purge', queued, OWNER, says('job.purge')],
    [
      'job.show',
      ran,
      OWNER_AND_ADMINS,
      (who, { read }) => may(() => read(who, 'job.show', { id: ID })),
    ],
    [
      'job.why and job.when',
      ran,
      OWNER_AND_ADMINS,
      async (who, { read }) => {
        const why = await may(() => read(who, 'job.why', { id: ID }));
        expect(await may(() => read(who, 'job.when', { id: ID }))).toBe(why);
        return why;
      },
    ],
    ['job.list', ran, OWNER_AND_ADMINS, (who, on) => list(who, on, { account: 'lab' })],
    ['job.list of no account', ran, OWNER, (who, on) => list(who, on, {})],
    [
      'logs',
      ran,
      OWNER_AND_ADMINS,
      (who, { ports }) =>
        may(() => {
          const wish = { id: ID, stream: 'stdout', rank: 0, follow: false, offset: 0 } as const;
          return openLog(ports as unknown as LogSetup, wish, who);
        }),
    ],
    ['files', ran, OWNER, (who, on) => files(who, on).catch(() => 'no')],
    ['ports and exec', ran, OWNER, (who, { store }) => may(async () => jobOf(store, ID, who))],
  ])('%s', async (_, state, expected, seen) => {
    const on = head(state);
    const got = await Promise.all(people.map((who) => seen(who, on)));
    expect(got).toEqual(expected);
  });

  it('is as much for arrays', async () => {
    const range = { first: 0, last: 3, step: 1, limit: 0 };
    const array = aJob({}, { account: 'lab', array: range });
    expect(isArray(array)).toBe(true);
    const on = head(array);
    for (const name of ['job.cancel', 'job.requeue', 'job.hold', 'job.release'] as const)
      expect(await Promise.all(people.map((who) => on.say(who, name, { id: ID })))).toEqual(
        OWNER_AND_ADMINS,
      );
    for (const name of ['job.checkpoint', 'job.purge'] as const)
      expect(await Promise.all(people.map((who) => on.say(who, name, { id: ID })))).toEqual(OWNER);
  });

  it('is for the job to judge, by its own account and by the call', () => {
    const said = (name: Name, adminOf: string, door: Who['door'] = 'terminal') => {
      const stage = new Stage<Job>(job, queued);
      const who: Who = { door, id: 'ada', adminOf };
      return stage.hear(told(name, { id: ID } as never, 7, who)).effects;
    };
    const refused = [`refuse 7 forbidden: job ${ID} belongs to somebody else`];
    expect(said('job.cancel', 'other')).toEqual(refused);
    expect(said('job.cancel', '')).toEqual(refused);
    expect(said('job.cancel', 'lab', 'worker')).toEqual(refused);
    for (const name of ['job.purge', 'job.tie', 'job.checkpoint'] as const)
      expect(said(name, 'lab')).toEqual(refused);
  });

  it('holds as long as it is entered', async () => {
    const on = head(queued);
    const ada = user('ada');
    expect(await on.say(ada, 'job.cancel', { id: ID })).toBe('yes');
    on.enter({ ...accounts, lab: { parent: 'institute' } });
    expect(await on.say(ada, 'job.cancel', { id: ID })).toBe('no');
    expect(await may(() => on.read(ada, 'job.show', { id: ID }))).toBe('no');
    expect(await on.say(user('ivo'), 'job.cancel', { id: ID })).toBe('yes');
  });

  it('shows no name by which a file could be got, but those of its logs', async () => {
    const on = head(ran);
    const { job: seen } = await on.read(user('ada'), 'job.show', { id: ID });
    expect(seen).toMatchObject({ outputs: [], missing: [], stdout: collected.stdout });
    expect(seen.checkpoint).toEqual({ at: NOW, attempt: 1, files: [] });
    expect(JSON.stringify(seen)).not.toContain(file.sha256);
  });

  it('lists the jobs of an account, page by page, and of no other', async () => {
    const on = head(queued);
    const keep = (id: string, account: string, submittedAt: number): void =>
      on.store.keep(keeping, `/jobs/${id}`, aJob({ id, owner: 'ben', submittedAt }, { account }));
    keep(OTHER, 'other', NOW + 1);
    keep(`${OTHER.slice(0, -1)}6`, 'lab', NOW + 2);
    keep(`${OTHER.slice(0, -1)}7`, 'below', NOW + 3);
    const listed = async (account: string) => {
      const rows: string[] = [];
      for (let after = ''; ; ) {
        const page = await on.read(user('ada'), 'job.list', { account, limit: 1, after });
        rows.push(...page.jobs.map(({ owner, account }) => `${owner} ${account}`));
        if (page.next === '') return rows;
        after = page.next;
      }
    };
    expect(await listed('lab')).toEqual(['ann lab', 'ben lab']);
    expect(await listed('below')).toEqual(['ben below']);
    expect(await listed('other')).toEqual([]);
  });

  it('is told where a job is held by one, and its owner may release it', () => {
    const stage = new Stage<Job>(job, queued);
    const since = new Date(NOW).toISOString();
    stage.hear(told('job.hold', { id: ID }, 7, { ...user('ada'), adminOf: 'lab' }));
    expect(row(stage.state).details).toBe(`held by admin ada since ${since}`);
    stage.hear(told('job.release', { id: ID }, 7, user('ann')));
    expect(stage.state.hold).toBeNull();
  });
});

describe('admins of accounts', () => {
  it('are those of the accounts above as well, and of nothing that has no entry', () => {
    const book = { ...plainBook, account: { ...accounts, a: { parent: 'b' }, b: { parent: 'a' } } };
    const of = (id: string) =>
      [...Object.keys(book.account), '', 'constructor'].filter((name) => isAdminBy(book, id, name));
    expect(of('ivo')).toEqual(['institute', 'lab', 'other', 'below']);
    expect(of('zoe')).toEqual(['lab', 'below']);
    expect(of('otto')).toEqual(['other']);
    expect(of('ann')).toEqual([]);
  });

  it('are no part of a policy', () => {
    const book = { ...plainBook, account: { lab: { budget: 1, admins: ['ada'] } } };
    expect(policyIn(book).accounts).toEqual({});
    expect(policyIn({ ...plainBook, account: accounts }).accounts).toEqual({
      institute: {},
      lab: { parent: 'institute' },
      other: { parent: 'institute' },
      below: { parent: 'lab' },
    });
  });
});
