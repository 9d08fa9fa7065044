import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Client, connect } from '../../src/client/client.ts';
import { ownIdentity, socketsTo } from '../../src/connect.ts';
import type { EntryChange } from '../../src/protocol/entry-shapes.ts';
import { Failed } from '../../src/protocol/errors.ts';
import { restPlace } from '../api/rest-place.ts';
import { heads, submit, untilJob, whole } from './heads.ts';
import { cleanup, dev, folder, forAll, swm } from './lab.ts';
import { isEnded } from './waiter.ts';

const change = (name: string, budget: number, revision = 0): EntryChange => ({
  ...{ kind: 'account', name, fields: { budget }, revision },
});
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'done',
    (error) => (error instanceof Failed ? error.failure.code : String(error)),
  );

describe('what operators enter', { timeout: 90_000 }, () => {
  const group = forAll(() => heads({ workers: 1 }));
  const admin = (...args: readonly string[]) => swm([...args, ...group().place()]);
  const budgets = async (client: Client): Promise<Readonly<Record<string, unknown>>> => {
    const { entries } = await client.call('entry.list', { kind: 'account' });
    return Object.fromEntries(entries.map(({ name, fields }) => [name, fields['budget']]));
  };

  it('holds at each head from then on, and can be said otherwise and taken away', async () => {
    expect((await admin('account', 'create', 'lab', 'budget=5')).stdout).toBe('lab\n');
    expect((await admin('account', 'clone', 'lab', 'other', 'budget=7')).code).toBe(0);
    for (const head of group().heads)
      expect(await budgets(group().client([head]))).toEqual({ lab: 5, other: 7 });
    const { accounts } = await group().client().call('account.list', {});
    expect(accounts.map(({ name, budget }) => [name, budget])).toEqual([
      ['lab', 5],
      ['other', 7],
    ]);
    const twice = await admin('account', 'create', 'lab');
    expect([twice.code, twice.stderr]).toEqual([4, expect.stringContaining('already')]);
    const wrong = await admin('account', 'set', 'lab', 'buget=5');
    expect([wrong.code, wrong.stderr]).toEqual([
      2,
      expect.stringContaining('did you mean budget?'),
    ]);
    expect((await admin('account', 'remove', 'other')).code).toBe(0);
    expect((await admin('account', 'show', 'lab')).stdout).toMatch(/^budget +5\n.* by admin$/m);
    expect((await admin('account', 'show', 'other')).code).toBe(5);
    const { stdout } = await admin('audit', '--json');
    const rows = JSON.parse(stdout) as { what: string; of: string; result: string }[];
    const noted = rows.filter(({ what }) => what === 'entry.change');
    expect(noted.every(({ of, result }) => of.startsWith('account ') || result !== 'done')).toBe(
      true,
    );
  });

  it('is changed by one of two that saw the same, through whichever heads', async () => {
    const [one, other] = group().heads.map((head) => group().client([head])) as [Client, Client];
    await one.call('entry.change', { changes: [change('both', 1)] });
    const { entries } = await one.call('entry.list', { kind: 'account' });
    const { revision } = entries.find(({ name }) => name === 'both')!;
    const codes = await Promise.all([
      codeOf(one.call('entry.change', { changes: [change('both', 2, revision)] })),
      codeOf(other.call('entry.change', { changes: [change('both', 3, revision)] })),
    ]);
    const isOne = codes[0] === 'done';
    expect(['outdated', 'busy']).toContain(codes[isOne ? 1 : 0]);
    expect(codes[isOne ? 0 : 1]).toBe('done');
    for (const head of group().heads)
      expect((await budgets(group().client([head])))['both']).toBe(isOne ? 2 : 3);
  });

  it('lets admins of an account steer its jobs at every head, as long as it says so', async () => {
    const home = await folder();
    const file = join(home, 'ann.json');
    expect((await admin('user', 'add', 'ann', '-o', file)).code).toBe(0);
    expect((await swm(['cert', 'enrol', file, '--to', home])).code).toBe(0);
    const { certificate, key, chain } = ownIdentity(home);
    const leader = group().client();
    const id = await submit(leader, '#!/bin/sh\n#SWM hold\n#SWM account steered\n');
    const here = group().heads.map(({ url }) => {
      const open = socketsTo({ url: [url], certificate, key, authorities: chain });
      const client = connect({ open });
      cleanup(async () => client.close());
      return client;
    });
    for (const client of here)
      expect(await codeOf(client.call('job.update', { id, priority: 9 }))).toBe('forbidden');
    expect((await admin('account', 'create', 'steered', 'admins=[ann]')).code).toBe(0);
    for (const [at, client] of here.entries()) {
      expect(await client.call('job.update', { id, priority: at + 1 })).toEqual({ id });
      expect((await client.call('job.show', { id })).job.spec.priority).toBe(at + 1);
      expect(await codeOf(client.call('job.purge', { id }))).toBe('forbidden');
    }
    expect((await admin('account', 'remove', 'steered')).code).toBe(0);
    for (const client of here)
      expect(await codeOf(client.call('job.cancel', { id }))).toBe('forbidden');
    await leader.call('job.cancel', { id });
  });

  it('is there once it is answered, whoever dies then, and holds for the next job', async () => {
    const leader = await whole(group());
    const client = group().client(group().heads.filter((head) => head !== leader));
    const short = '#!/bin/sh\n#SWM queue short\nexec sleep 300\n';
    expect(await codeOf(submit(client, short))).toBe('impossible');
    const fields = { walltimeMs: 1_000 };
    const jobs: EntryChange = { kind: 'global', name: 'jobs', fields, revision: 0 };
    const queue = { users: ['admin'], timeDefaultMs: 2_000 };
    const quick: EntryChange = { kind: 'queue', name: 'short', fields: queue, revision: 0 };
    await client.call('entry.change', { changes: [jobs, change('late', 9), quick] });
    await leader.signal('SIGKILL');
    expect((await budgets(client))['late']).toBe(9);
    const id = await submit(client, '#!/bin/sh\nexec sleep 300\n');
    const inQueue = await submit(client, short);
    for (const each of [id, inQueue])
      expect((await untilJob(client, each, isEnded)).details).toContain('walltime');
    expect((await client.call('job.show', { id: inQueue })).job.spec.walltimeMs).toBe(2_000);
    await leader.start();
    await group().leader();
    expect((await budgets(group().client([leader])))['late']).toBe(9);
    const { entries } = await client.call('entry.list', { kind: 'global' });
    const { revision } = entries.find(({ name }) => name === 'jobs')!;
    await client.call('entry.change', { changes: [{ ...jobs, fields: null, revision }] });
    const gone = await admin('queue', 'remove', 'short');
    expect([gone.stdout, await codeOf(submit(client, short))]).toEqual(['short\n', 'impossible']);
    const longer = await submit(client, '#!/bin/sh\nexec sleep 2\n');
    expect(await untilJob(client, longer, isEnded)).toMatchObject({ state: 'F', exitcode: 0 });
  });

  it('goes from one installation to the next as a file, all of it or nothing', async () => {
    const home = await folder();
    const next = await dev(join(home, 'spool'));
    const { stdout: yaml } = await admin('admin', 'export', 'account');
    const file = join(home, 'all.yaml');
    await writeFile(file, `${yaml}global: {ports: {out: [300.0.0.0/8]}}\n`);
    const refused = await next.run('admin', 'import', file);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('ports.out')]);
    expect(await budgets(next.client)).toEqual({});
    await writeFile(file, yaml);
    const tried = await next.run('admin', 'import', file, '--dry-run');
    expect(tried.stdout).toContain('+ account lab: budget=5\n');
    expect(await budgets(next.client)).toEqual({});
    expect((await next.run('admin', 'import', file)).stdout).toBe(tried.stdout);
    expect(await budgets(next.client)).toEqual(await budgets(group().client()));
    expect((await next.run('admin', 'export')).stdout).toBe(yaml);
  });
});

const flavors = { gold: { cpus: 1, memory: '64MiB', price: 3_600_000 } };
const SITES = [{ name: 'local', kind: 'local', image: 'host', flavors, billingUnitMs: 1_000 }];
const forLab = '#!/bin/sh\n#SWM flavor gold\n#SWM account lab\nexec sleep 600\n';

it('a budget ends what runs already, and none is an operator’s word to users', {
  timeout: 60_000,
}, async () => {
  const place = await restPlace(['--set', `remotes=${JSON.stringify(SITES)}`]);
  const { node } = place;
  const id = await node.submit(forLab);
  await node.until(id, ({ phase }) => phase === 'running');
  expect((await node.run('account', 'create', 'lab', 'budget=1000')).code).toBe(0);
  const stopped = await node.until(id, isEnded);
  expect(stopped.details).toMatch(/^account lab has cost \d+ of its budget of 1000/);
  const poor = await swm(['submit', '--spool', node.spool, '-'], { input: forLab });
  expect([poor.code, poor.stderr]).toEqual([4, expect.stringContaining('its budget of 1000')]);
  expect((await node.run('account', 'set', 'lab', 'budget=')).code).toBe(0);
  await node.client.call('job.cancel', { id: await node.submit(forLab) });

  const told = { input: '#!/bin/sh\n#SWM notify http://127.0.0.1:1/x\n' };
  const refused = await swm(['submit', '--spool', node.spool, '-'], told);
  expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('`notify.allow`')]);
  await node.run('global', 'set', 'notify', 'allow=[127.0.0.1:1]');
  expect((await swm(['submit', '--spool', node.spool, '-'], told)).code).toBe(0);

  const body = JSON.stringify({ changes: [change('mine', 1)] });
  const headers = { 'content-type': 'application/json' };
  const asked = { method: 'POST', headers, body };
  for (const path of ['/v1/entries', '/v1/entries/check'])
    expect((await place.ask(place.ann, path, asked)).status).toBe(403);
  expect((await place.ask(place.ann, '/v1/entries')).status).toBe(403);
  expect((await place.ask(place.admin, '/v1/entries/check', asked)).status).toBe(200);
  expect((await place.ask(place.admin, '/v1/entries', asked)).status).toBe(200);
  expect((await place.ask(place.admin, '/v1/entries', asked)).status).toBe(409);
  const { text } = await place.ask(place.admin, '/v1/entries?kind=account');
  expect(JSON.parse(text).entries.map(({ name }: { name: string }) => name)).toEqual([
    'lab',
    'mine',
  ]);
});
