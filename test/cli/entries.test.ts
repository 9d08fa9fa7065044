import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run as exported } from '../../src/cli/admin-export.ts';
import { run as imported } from '../../src/cli/admin-import.ts';
import { clone, create, list, remove, set, show } from '../../src/cli/entries.ts';
import type { EntryRow } from '../../src/protocol/entry-shapes.ts';
import { type Staged, staged } from './call.ts';

const rows: readonly EntryRow[] = [
  {
    ...{ kind: 'account', name: 'lab', fields: { budget: 5 }, entered: { budget: 5 } },
    ...{ configured: { budget: 1 }, revision: 4, by: 'olga', at: 1_800_000_000_000 },
  },
  {
    ...{ kind: 'account', name: 'old', fields: { budget: 2 }, entered: null },
    ...{ configured: { budget: 2 }, revision: 0, by: '', at: 0 },
  },
  {
    ...{ kind: 'global', name: 'ports', fields: { out: ['submitter'] }, entered: {} },
    ...{ configured: { out: ['submitter'] }, revision: 3, by: 'olga', at: 1_800_000_000_000 },
  },
];
const call = (args: readonly string[], more: Staged = {}) =>
  staged({
    args,
    answers: {
      'entry.list': { entries: rows },
      'entry.change': { revision: 5, of: 'account lab' },
      'entry.check': {},
    },
    ...more,
  });
/** What it asked for besides the list. */
const changes = ({ asked }: ReturnType<typeof call>) =>
  asked.flatMap(([name, body]) => (name === 'entry.list' ? [] : [[name, body]]));
const change = (name: string, fields: object | null, revision = 0, kind = 'account') => [
  ['entry.change', { changes: [{ kind, name, fields, revision }] }],
];

describe('a verb of an entry', () => {
  it('changes what was entered, as of the revision that it saw', async () => {
    const said = call(['lab', 'budget=7.5']);
    expect(await set('account')(said)).toBe(0);
    expect(changes(said)).toEqual(change('lab', { budget: 7.5 }, 4));
    expect(said.out).toEqual(['lab']);
  });

  it.each<readonly [readonly string[], object]>([
    [['lab', 'budget='], {}],
    [['lab', 'limits.cpus=4', 'limits.jobs=2'], { budget: 5, limits: { cpus: 4, jobs: 2 } }],
    [
      ['lab', 'users=[ann, ben]', 'on=true', 'text=a=b'],
      { budget: 5, users: ['ann', 'ben'], on: true, text: 'a=b' },
    ],
  ])('reads fields as YAML: %j', async (args, fields) => {
    const said = call(args);
    await set('account')(said);
    expect(changes(said)).toEqual(change('lab', fields, 4));
  });

  it('keeps what the configuration has inside of a field of which a part is changed', async () => {
    const row = { ...rows[1], fields: { limits: { jobs: 9, cpus: 1 } } };
    const said = call(['old', 'limits.cpus=4', 'limits.jobs='], {
      answers: { 'entry.list': { entries: [row] }, 'entry.change': { revision: 5, of: '' } },
    });
    await set('account')(said);
    expect(changes(said)).toEqual(change('old', { limits: { cpus: 4 } }));
  });

  it.each([
    [['lab']],
    [['lab', 'budget']],
    [['lab', '=5']],
    [['lab', 'a.b.c=5']],
    [['lab', 'a=[']],
  ])('refuses %j', async (args) => {
    const said = call(args);
    await expect(set('account')(said)).rejects.toMatchObject({ name: 'Usage' });
    expect(changes(said)).toEqual([]);
  });

  it('makes one that is not there, of nothing or like another one', async () => {
    const made = call(['new', 'budget=1']);
    expect(await create('account')(made)).toBe(0);
    expect(changes(made)).toEqual(change('new', { budget: 1 }));
    const like = call(['old', 'new'], { json: true });
    expect(await clone('account')(like)).toBe(0);
    expect(changes(like)).toEqual(change('new', { budget: 2 }));
    expect(like.out).toEqual(['{"revision":5,"of":"account lab"}']);
    for (const refused of [
      create('account')(call(['old'])),
      clone('account')(call(['lab', 'old'])),
    ])
      await expect(refused).rejects.toThrow('there is account old already');
    await expect(clone('account')(call(['none', 'new']))).rejects.toMatchObject({
      failure: { code: 'not_found', text: 'there is no account none' },
    });
  });

  it('takes away what it saw', async () => {
    const said = call(['lab']);
    expect(await remove('account')(said)).toBe(0);
    expect(changes(said)).toEqual(change('lab', null, 4));
  });

  it('shows what holds, and over what', async () => {
    const shown = call(['lab']);
    expect(await show('account')(shown)).toBe(0);
    expect(shown.out.slice(0, 2)).toEqual(['name      lab', 'budget    5 (over 1)']);
    expect(shown.out[2]).toMatch(/^changed {3}2027-01-15 \d\d:00:00 by olga$/);
    expect(shown.out[3]).toBe('revision  4');
    const configured = call(['old']);
    await show('account')(configured);
    expect(configured.out[1]).toBe('budget    2 (configuration)');
    const listed = call([]);
    await list('account')(listed);
    expect(listed.out.slice(1).map((line) => line.split(/ {2,}/).slice(0, 3))).toEqual([
      ['lab', 'budget=5', 'entry over configuration'],
      ['old', 'budget=2', 'configuration'],
      ['ports', 'out=["submitter"]', 'entry over configuration'],
    ]);
    expect(listed.asked).toEqual([['entry.list', { kind: 'account' }]]);
  });
});

describe('what was entered, as a file', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'swm-entries-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const from = async (text: string, options: object = {}, json = false) => {
    const path = join(folder, 'all.yaml');
    await writeFile(path, text);
    const said = call([path], { options: { ...options }, json });
    return { said, code: await imported(said) };
  };

  it('is printed, and changes nothing where it is read again', async () => {
    const printed = call([]);
    expect(await exported(printed)).toBe(0);
    expect(printed.out).toEqual(['account:\n  lab:\n    budget: 5\nglobal:\n  ports: {}']);
    const { said, code } = await from(printed.out[0]!, { prune: true });
    expect([code, changes(said), said.out]).toEqual([0, [], []]);
    expect(said.notes).toEqual(['All of it is so already.']);
    const some = call(['account'], { options: { all: true }, json: true });
    await exported(some);
    expect(some.out).toEqual(['{"account":{"lab":{"budget":5},"old":{"budget":2}}}']);
    await expect(exported(call(['acount']))).rejects.toThrow('acount is no kind of entry');
  });

  it('is entered at once, and each change is told', async () => {
    const text =
      'account: {lab: {budget: 7, limits: {jobs: 1}}, new: {budget: 1}, old: {budget: 2}}';
    const { said } = await from(text, { prune: true });
    const account = (name: string, fields: object, revision = 0) => ({
      ...{ kind: 'account', name, fields, revision },
    });
    const all = [
      account('lab', { budget: 7, limits: { jobs: 1 } }, 4),
      account('new', { budget: 1 }),
      account('old', { budget: 2 }),
    ];
    expect(changes(said)).toEqual([['entry.change', { changes: all }]]);
    expect(said.out).toEqual([
      '~ account lab: budget 5 → 7, limits nothing → {"jobs":1}',
      '+ account new: budget=1',
      '+ account old: budget=2',
    ]);
  });

  it('takes away what is not in it only where it is asked to, and of its kinds alone', async () => {
    const gone = { kind: 'account', name: 'lab', fields: null, revision: 4 };
    expect(changes((await from('account: {}')).said)).toEqual([]);
    const { said } = await from('account: {}', { prune: true, dryRun: true });
    expect(changes(said)).toEqual([['entry.check', { changes: [gone] }]]);
    expect(said.out).toEqual(['- account lab']);
    const { said: json } = await from('account: {}', { prune: true }, true);
    expect(json.out).toEqual([JSON.stringify({ changes: [gone] })]);
  });

  it.each([
    ['', 'wanted entries by kind and name'],
    ['[]', 'wanted entries by kind and name'],
    ['acount: {}', 'acount is none of account, queue, reservation, global'],
    ['account: [lab]', 'account: wanted entries by name'],
    ['account: {lab: 5}', 'account.lab: wanted fields'],
    ['account: {lab: {', 'all.yaml: '],
    ['a: &a [*a, *a]\naccount: *b', 'all.yaml: '],
  ])('is refused as a whole: %j', async (text, why) => {
    await expect(from(text)).rejects.toThrow(why);
  });
});
