import { describe, expect, it } from 'vitest';
import { withEntries } from '../../src/actors/entries/book.ts';
import { type Entries, entriesOver } from '../../src/actors/entries/entries.ts';
import { entriesOf, keeping, revisionOf } from '../../src/actors/entries/keeping.ts';
import { type SessionPorts, sessionTasks } from '../../src/actors/session/tasks.ts';
import type { EntryChange } from '../../src/protocol/entry-shapes.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { type Body, type Message, message, type Reply } from '../../src/protocol/messages.ts';
import type { Who } from '../../src/protocol/who.ts';
import { plainBook } from './books.ts';
import { memoryStore } from './memory.ts';
import { NOW, Stage, told } from './stage.ts';
import { ANN, OPERATOR } from './things.ts';

const lab = (budget: number, revision = 0): EntryChange => ({
  ...{ kind: 'account', name: 'lab', fields: { budget }, revision },
});
const jobs = (fields: EntryChange['fields'], revision = 0): EntryChange => ({
  ...{ kind: 'global', name: 'jobs', fields, revision },
});
const says = (seen: number, changes: readonly EntryChange[], who: Who = OPERATOR) =>
  told('entry.put', { seen, changes: [...changes] }, 5, who);
const machine = entriesOver(plainBook);
const stage = () => new Stage<Entries>(machine, machine.init({}, NOW));
const LOOK = 'tell /accounts/lab account.look';
const POLICY = 'tell /scheduler scheduler.policy';

describe('what operators enter', () => {
  it('is kept with who did it and when, and accounts look at their budgets again', () => {
    const on = stage();
    expect(on.hear(says(0, [lab(5), jobs({ walltimeMs: 9 })]), 7)).toEqual({
      phase: 'open',
      moved: false,
      effects: ['reply 5 {"revision":1,"of":"account lab, global jobs"}', LOOK, POLICY],
    });
    const by = { revision: 1, by: OPERATOR.id, at: NOW + 7 };
    expect(on.state).toEqual({
      phase: 'open',
      revision: 1,
      entries: {
        'account/lab': { kind: 'account', name: 'lab', fields: { budget: 5 }, ...by },
        'global/jobs': { kind: 'global', name: 'jobs', fields: { walltimeMs: 9 }, ...by },
      },
    });
    expect(on.entered()).toEqual([]);
    expect(on.hear(says(1, [jobs(null, 1)])).effects).toEqual([
      'reply 5 {"revision":2,"of":"global jobs"}',
    ]);
    expect(Object.keys(on.state.entries)).toEqual(['account/lab']);
    expect(on.hear(says(2, [lab(6, 1)])).effects).toEqual([
      'reply 5 {"revision":3,"of":"account lab"}',
      LOOK,
      POLICY,
    ]);
  });

  it('is as it was for a change that was judged by what was before, and for who is none', () => {
    const on = stage();
    on.hear(says(0, [lab(5)]));
    const before = on.state;
    expect(on.hear(says(0, [lab(6)])).effects).toEqual([
      'refuse 5 busy: another change of entries came first',
    ]);
    expect(on.hear(says(1, [lab(6, 1)], ANN)).effects).toEqual([
      'refuse 5 forbidden: only an operator can change entries',
    ]);
    expect(on.state).toBe(before);
  });

  it('is written entry by entry, and read back as it was', () => {
    const store = memoryStore();
    expect(entriesOf(store)).toEqual({ revision: 0, entries: {} });
    expect(revisionOf(store)).toBe(0);
    const on = stage();
    store.keep(keeping, '/entries', on.state);
    expect(store.range({ from: '', to: 'z', limit: 9 })).toEqual([]);
    on.hear(says(0, [lab(5), jobs({})]));
    on.hear(says(1, [jobs({ keepMs: 1 }, 1)]));
    store.keep(keeping, '/entries', on.state);
    expect(entriesOf(store)).toEqual(on.state);
    expect(revisionOf(store)).toBe(2);
    const parts = keeping.split(on.state);
    const next = on.hear(says(2, [lab(7, 1)]));
    expect(next.effects).toHaveLength(3);
    const later = keeping.split(on.state);
    expect(later['global/jobs']).toBe(parts['global/jobs']);
    expect(later['account/lab']).not.toBe(parts['account/lab']);
  });

  it('wins over the configuration field by field', () => {
    const configured = { ...plainBook, account: { lab: { budget: 1 }, other: { budget: 2 } } };
    const on = stage();
    on.hear(says(0, [lab(5), jobs({ keepMs: 7 })]));
    expect(withEntries(configured, on.state)).toEqual({
      ...plainBook,
      account: { lab: { budget: 5 }, other: { budget: 2 } },
      global: { ...plainBook.global, jobs: { ...plainBook.global.jobs, keepMs: 7 } },
    });
  });
});

describe('a session that is asked to change entries', () => {
  const context = { signal: new AbortController().signal, emit: () => {}, path: '/sessions/1' };
  const configured = { ...plainBook, account: { old: { budget: 1 } } };

  /** What operators entered before, and what a session makes of a call. */
  const desk = (...before: readonly (readonly EntryChange[])[]) => {
    const store = memoryStore();
    const on = stage();
    for (const [seen, changes] of before.entries()) on.hear(says(seen, changes));
    store.keep(keeping, '/entries', on.state);
    const checked: unknown[] = [];
    const ports = {
      ...{ store, configured, current: async () => {}, now: () => NOW },
      checkBook: (book: unknown) => void checked.push(book),
      people: { rows: () => [{ id: OPERATOR.id, name: 'olga' }] },
    } as unknown as SessionPorts;
    const tasks = sessionTasks(ports);
    const asked = (changes: readonly EntryChange[], user: Who = OPERATOR): Promise<Message> =>
      tasks.resolve({ user, message: message('entry.change', { changes: [...changes] }) }, context);
    const read = (asked: Message): Promise<object> =>
      tasks.read({ user: OPERATOR, message: asked }, context);
    return { asked, read, checked };
  };
  const refusal = (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => 'done',
      (error) => (error instanceof Failed ? `${error.failure.code}: ${error.message}` : 'a bug'),
    );

  it('passes it on with the revision of all that it has looked at', async () => {
    const { asked, checked } = desk([lab(5)], [jobs({})]);
    const changes = [lab(6, 1), jobs(null, 2)];
    expect(await asked(changes)).toEqual(message('entry.put', { changes, seen: 2 }));
    expect(checked).toEqual([
      { ...configured, account: { ...configured.account, lab: { budget: 6 } } },
    ]);
  });

  it.each<readonly [string, readonly EntryChange[], string]>([
    [
      'that somebody else changed meanwhile',
      [lab(6, 1)],
      'by olga at 2027-01-15T08:00:00.000Z, and is at revision 2, not 1',
    ],
    ['that is there, as if it were not', [lab(6)], 'outdated: account lab was changed by olga'],
    ['that was removed', [jobs({}, 1)], 'outdated: what was entered of global jobs was removed'],
    ['of fields that there are not', [jobs({ walltime: 5 })], 'malformed: global jobs: walltime:'],
    ['of another sort', [lab(-1, 2)], 'malformed: account lab: budget: must be >= 0'],
    [
      'of two, one of which does not fit',
      [jobs({ keepMs: 1 }), lab(-1, 2)],
      'malformed: account lab: budget',
    ],
    [
      'of one thing twice',
      [jobs({ keepMs: 1 }), jobs({ keepMs: 2 })],
      'malformed: global jobs is changed twice at once',
    ],
    [
      'of a name that means nothing',
      [{ kind: 'global', name: 'constructor', fields: {}, revision: 0 }],
      'malformed: global constructor: there is no global constructor',
    ],
    [
      'that takes away what is only configured',
      [{ kind: 'account', name: 'old', fields: null, revision: 0 }],
      'not_found: nothing is entered of account old, only what the configuration of the heads says',
    ],
    [
      'that takes away what there is not',
      [{ kind: 'account', name: 'constructor', fields: null, revision: 0 }],
      'not_found: nothing is entered of account constructor',
    ],
  ])('refuses a change %s', async (_, changes, why) => {
    const { asked, checked } = desk([lab(5)], [lab(5, 1)]);
    expect(await refusal(asked(changes))).toContain(why);
    expect(checked).toEqual([]);
  });

  it('refuses users, and whatever cannot be as it says', async () => {
    const { asked } = desk();
    expect(await refusal(asked([lab(1)], ANN))).toContain('forbidden');
    const tasks = sessionTasks({
      ...{ store: memoryStore(), configured, current: async () => {}, people: { rows: () => [] } },
      checkBook: () => {
        throw new Failed('malformed', 'wanted another');
      },
    } as unknown as SessionPorts);
    const body: Body<'entry.change'> = { changes: [jobs({})] };
    await expect(
      tasks.resolve({ user: OPERATOR, message: message('entry.change', body) }, context),
    ).rejects.toThrow('wanted another');
  });

  it('names admins of accounts by their ids, and shows them by their names', async () => {
    const admins = (...users: string[]): EntryChange => ({ ...lab(1), fields: { admins: users } });
    const { asked, read } = desk([admins(OPERATOR.id)]);
    const other = { ...admins('olga'), name: 'other' };
    expect(await asked([other])).toMatchObject({
      body: { changes: [{ name: 'other', fields: { admins: [OPERATOR.id] } }] },
    });
    expect(await refusal(asked([{ ...admins('olga', 'ina'), name: 'other' }]))).toBe(
      'not_found: account other: admins: there is no user ina',
    );
    const odd = { ...lab(1), name: 'other', fields: { admins: { olga: {} } } };
    expect(await refusal(asked([odd]))).toContain('malformed: account other: admins');
    const { entries } = (await read(message('entry.list', {}))) as Reply<'entry.list'>;
    expect(entries[0]?.fields).toEqual({ admins: ['olga'] });
  });

  it('shows what holds, who says so, and what a change would be refused for', async () => {
    const { read } = desk([lab(5)], [{ ...lab(3), name: 'old' }]);
    const { entries: rows } = (await read(message('entry.list', {}))) as Reply<'entry.list'>;
    expect(rows.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
      'account lab',
      'account old',
      'global jobs',
      'global notify',
      'global ports',
      'global scheduler',
    ]);
    expect(rows[1]).toEqual({
      ...{ kind: 'account', name: 'old', fields: { budget: 3 }, entered: { budget: 3 } },
      ...{ configured: { budget: 1 }, revision: 2, by: 'olga', at: NOW },
    });
    expect(rows[4]).toEqual({
      ...{ kind: 'global', name: 'ports', fields: { out: [] }, entered: null },
      ...{ configured: { out: [] }, revision: 0, by: '', at: 0 },
    });
    const only = await read(message('entry.list', { kind: 'global' }));
    expect((only as Reply<'entry.list'>).entries).toHaveLength(4);
    const check = (...changes: EntryChange[]) => read(message('entry.check', { changes }));
    expect(await check(lab(6, 1))).toEqual({});
    expect(await refusal(check(lab(6)))).toContain('outdated');
  });
});
