import { describe, expect, it } from 'vitest';
import { type Book, flawIn, policyIn } from '../../src/actors/entries/book.ts';
import { type Entries, entriesOver } from '../../src/actors/entries/entries.ts';
import { keeping } from '../../src/actors/entries/keeping.ts';
import { keeping as nodeKeeping } from '../../src/actors/node/keeping.ts';
import type { NodeRecord } from '../../src/actors/node/node.ts';
import { type SessionPorts, sessionTasks } from '../../src/actors/session/tasks.ts';
import { checkBook, configuredBook, openBook, policyBy } from '../../src/node/book.ts';
import type { EntryKind } from '../../src/protocol/entry-kinds.ts';
import type { EntryChange, Fields } from '../../src/protocol/entry-shapes.ts';
import { message, type Reply } from '../../src/protocol/messages.ts';
import { defaultPolicy, type Policy } from '../../src/protocol/policy.ts';
import { plainBook } from './books.ts';
import { memoryStore } from './memory.ts';
import { NOW, Stage, told } from './stage.ts';
import { OPERATOR } from './things.ts';

const change = (kind: EntryKind, name: string, fields: Fields | null): EntryChange => ({
  ...{ kind, name, fields, revision: 0 },
});
const on = (configured: Book = plainBook) => {
  const machine = entriesOver(configured);
  return new Stage<Entries>(machine, machine.init({}, NOW));
};
const says = (seen: number, ...changes: EntryChange[]) =>
  told('entry.put', { seen, changes }, 5, OPERATOR);

const policy: Policy = {
  ...defaultPolicy,
  queues: { short: { weight: 1, timeMaxMs: 60_000 } },
  accounts: { science: { shares: 3 }, physics: { parent: 'science' } },
  reservations: [
    { name: 'disks', nodes: ['n1'], from: '2026-12-07T08:00Z', until: '2026-12-07T12:00Z' },
  ],
};
const sections = {
  accounts: { physics: { budget: 5 }, poor: { budget: 1 } },
  jobs: plainBook.global.jobs,
  notify: plainBook.global.notify,
  ports: plainBook.global.ports,
  scheduler: policy,
};
const configured = configuredBook(sections);

describe('a policy of what is configured and what is entered', () => {
  it('is that of the configuration where nothing is entered', () => {
    expect(policyIn(configured)).toEqual({
      ...policy,
      // Who only has a budget has no share.
      accounts: { science: { shares: 3 }, physics: { shares: 1, parent: 'science' } },
    });
    expect(flawIn(configured)).toBe('');
  });

  it('has all that is entered, and is told to the scheduler as a whole', () => {
    const stage = on(configured);
    const fairShare = { weight: 10, halfLifeMs: 86_400_000 };
    const shown = stage.hear(
      says(
        0,
        change('queue', 'short', { weight: 7 }),
        change('queue', 'long', { nodes: ['n*'] }),
        change('account', 'poor', { shares: 2, parent: 'physics' }),
        change('reservation', 'disks', { until: '2026-12-07T13:00Z' }),
        change('global', 'scheduler', { fairShare }),
      ),
    );
    expect(shown.effects.slice(1)).toEqual([
      'tell /accounts/poor account.look',
      'tell /scheduler scheduler.policy',
    ]);
    expect(stage.sent('scheduler.policy').policy).toEqual({
      ...policy,
      fairShare,
      queues: { short: { weight: 7, timeMaxMs: 60_000 }, long: { nodes: ['n*'] } },
      accounts: {
        science: { shares: 3 },
        physics: { shares: 1, parent: 'science' },
        poor: { shares: 2, parent: 'physics' },
      },
      reservations: [{ ...policy.reservations[0], until: '2026-12-07T13:00Z' }],
    });
  });

  it('is not told of what does not concern it, and counts who is a parent as an account', () => {
    const stage = on();
    expect(stage.hear(says(0, change('global', 'ports', { out: ['*'] }))).effects).toHaveLength(1);
    stage.hear(says(1, change('account', 'a', {}), change('account', 'b', { parent: 'a' })));
    expect(stage.sent('scheduler.policy').policy.accounts).toEqual({ a: {}, b: { parent: 'a' } });
  });

  it.each<readonly [string, readonly EntryChange[], string]>([
    [
      'an account below none',
      [change('account', 'a', { parent: 'b' })],
      'account a: there is no account b',
    ],
    [
      'accounts in a circle',
      [change('account', 'science', { parent: 'physics' })],
      'account physics: it is a part of itself, by physics of science',
    ],
    [
      'what ends before it begins',
      [change('reservation', 'disks', { until: '2026-12-07T07:00Z' })],
      'reservation disks: it ends at 2026-12-07T07:00Z, which is not after 2026-12-07T08:00Z',
    ],
  ])('is refused for %s', (_, changes, why) => {
    const stage = on(configured);
    const before = stage.state;
    expect(stage.hear(says(0, ...changes)).effects).toEqual([`refuse 5 malformed: ${why}`]);
    expect(stage.state).toBe(before);
  });

  it('keeps an account that others are part of', () => {
    const stage = on();
    const [a, b] = [change('account', 'a', {}), change('account', 'b', { parent: 'a' })];
    stage.hear(says(0, a, b));
    const gone = change('account', 'a', null);
    expect(stage.hear(says(1, gone)).effects).toEqual([
      'refuse 5 malformed: account b: there is no account a',
    ]);
    expect(stage.hear(says(1, gone, change('account', 'b', null))).effects[0]).toContain('reply');
  });

  it('is read anew by each life of a scheduler, and that of the file where both contradict', () => {
    const store = memoryStore();
    const now = policyBy(openBook(sections, store), policy);
    expect(now().queues).toEqual(policy.queues);
    const stage = on(configured);
    stage.hear(says(0, change('queue', 'long', {})));
    store.keep(keeping, '/entries', stage.state);
    expect(Object.keys(now().queues)).toEqual(['short', 'long']);
    stage.hear(says(1, change('account', 'lab', { parent: 'science' })));
    store.keep(keeping, '/entries', stage.state);
    expect(Object.keys(now().accounts)).toContain('lab');
    const without = { ...sections, scheduler: defaultPolicy };
    expect(policyBy(openBook(without, store), defaultPolicy)()).toBe(defaultPolicy);
  });
});

describe('what entries name', () => {
  const ANN = { id: '7c9e6679-7425-40de-944b-e07fc1f90ae7', name: 'ann' };
  const context = { signal: new AbortController().signal, emit: () => {}, path: '/sessions/1' };
  const store = memoryStore();
  const node = (name: string, phase: NodeRecord['phase']) =>
    store.keep(nodeKeeping, `/nodes/${name}`, { name, phase, round: 1 } as NodeRecord);
  node('n1', 'up');
  node('n2', 'gone');
  const desk = {
    ...{ store, configured: plainBook, checkBook, current: async () => {}, now: () => NOW },
    people: { rows: () => [ANN] },
  } as unknown as SessionPorts;
  const tasks = sessionTasks(desk);
  const asked = (...changes: EntryChange[]) =>
    tasks.resolve({ user: OPERATOR, message: message('entry.change', { changes }) }, context);

  it('is kept by the ids of users, and shown by their names', async () => {
    const queue = change('queue', 'short', { users: ['ann'], nodes: ['n1', 'x*'] });
    const limits = change('global', 'scheduler', { users: { ann: { cpus: 4 } } });
    const put = await asked(queue, limits);
    const kept = [
      { ...queue, fields: { users: [ANN.id], nodes: ['n1', 'x*'] } },
      { ...limits, fields: { users: { [ANN.id]: { cpus: 4 } } } },
    ];
    expect(put).toEqual(message('entry.put', { changes: kept, seen: 0 }));
    const stage = on();
    stage.hear(says(0, ...kept));
    const shelf = memoryStore();
    shelf.keep(keeping, '/entries', stage.state);
    const there = sessionTasks({ ...desk, store: shelf });
    const list = message('entry.list', { kind: 'queue' });
    const { entries } = (await there.read(
      { user: OPERATOR, message: list },
      context,
    )) as Reply<'entry.list'>;
    expect(entries).toMatchObject([{ fields: queue.fields, entered: queue.fields }]);
  });

  it.each<readonly [EntryChange, string]>([
    [change('queue', 'q', { users: ['eve'] }), 'queue q: users: there is no user eve'],
    [change('queue', 'q', { nodes: ['n1', 'n9'] }), 'queue q: nodes: there is no node n9'],
    [change('queue', 'q', { nodes: ['n2'] }), 'queue q: nodes: there is no node n2'],
    [change('queue', 'q', { wieght: 3 }), 'queue q: wieght: is unknown; did you mean weight?'],
    [change('queue', 'q', { users: 'ann' }), 'queue q: users: must be array'],
    [change('reservation', 'r', { nodes: ['n1'] }), 'reservation r: from: is missing'],
    [change('account', 'a', { parent: 'b' }), 'account a: there is no account b'],
    [
      change('global', 'scheduler', { fairShare: { weight: 4 } }),
      'global scheduler: fairShare.halfLifeMs: is missing',
    ],
    [change('global', 'ports', { out: ['10.0.0.0/99'] }), 'ports.out: `submitter`'],
    [change('global', 'notify', { allow: ['example.org'] }), 'notify.allow: a name'],
  ])('is refused where it is not there, or does not fit: %j', async (odd, why) => {
    await expect(asked(odd)).rejects.toThrow(why);
  });
});
