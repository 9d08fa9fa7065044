import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { JobRow } from '../../src/protocol/model.ts';
import { forAll, swm } from '../e2e/lab.ts';
import { type Person, restPlace } from './rest-place.ts';

const place = forAll(() => restPlace());
const json = { 'content-type': 'application/json' };
const post = (who: Person, path: string, body: object = {}) =>
  place().ask(who, path, { method: 'POST', headers: json, body: JSON.stringify(body) });
const admin = (...args: readonly string[]) =>
  swm([...args, '--spool', join(place().home, 'spool')]);

/** As an operator's command lists them. */
async function tabled(account: string): Promise<string[]> {
  const { stdout } = await admin('jobs', '--account', account, '--json');
  return (JSON.parse(stdout) as JobRow[]).map((job) => job.id);
}

it('an admin of the account above sees and steers a job, and gets none of its files', {
  timeout: 60_000,
}, async () => {
  const { ask, ann, bob, node } = place();
  const text = [
    '#!/bin/sh',
    '#SWM account lab',
    '#SWM output-files out.txt',
    'echo said',
    'echo 1 >out.txt',
  ];
  const script = text.join('\n');
  const submit = async (more: object = {}): Promise<string> => {
    const { id } = (await post(bob, '/v1/jobs', { script, ...more })).json() as { id: string };
    return id;
  };
  const id = await submit();
  await node.until(id, ({ phase }) => phase === 'ended');
  const waits = await submit({ hold: true });
  const listed = async (who: Person): Promise<string[]> => {
    const { jobs } = (await ask(who, '/v1/jobs?account=lab')).json() as { jobs: JobRow[] };
    return jobs.map((job) => job.id);
  };
  const seen = async (who: Person, path: string): Promise<number> =>
    (await ask(who, `/v1/jobs/${id}${path}`)).status;
  const reads = ['', '/events', '/stdout', '/outputs', '/outputs/out.txt'];
  const steers = ['hold', 'update', 'requeue', 'cancel', 'release'];
  const all = async (who: Person) => {
    const statuses: Record<string, number> = {};
    for (const what of steers)
      statuses[what] = (await post(who, `/v1/jobs/${waits.slice(0, 8)}/${what}`)).status;
    return {
      listed: await listed(who),
      seen: await Promise.all(reads.map((path) => seen(who, path))),
      steers: statuses,
    };
  };
  const none = Object.fromEntries(steers.map((what) => [what, 403]));
  const stranger = { listed: [], seen: [403, 403, 403, 403, 403], steers: none };

  expect(await all(ann)).toEqual(stranger);
  expect((await admin('account', 'create', 'institute', 'admins=[ann]')).code).toBe(0);
  expect(await all(ann)).toEqual(stranger);
  expect((await admin('account', 'create', 'lab', 'parent=institute')).stderr).toBe('');
  expect(await all(ann)).toEqual({
    listed: [id, waits],
    seen: [200, 200, 200, 403, 403],
    steers: { hold: 200, update: 200, requeue: 200, cancel: 200, release: 200 },
  });
  expect((await ask(ann, `/v1/jobs/${id}/stdout`)).text).toBe('said\n');
  expect(await Promise.all(reads.map((path) => seen(bob, path)))).toEqual([
    200, 200, 200, 200, 200,
  ]);
  expect([await tabled('lab'), await tabled('institute')]).toEqual([[id, waits], []]);
  // Her own lists are what they were.
  expect((await ask(ann, '/v1/jobs')).json()).toMatchObject({ jobs: [] });

  expect((await admin('account', 'set', 'institute', 'admins=[bob]')).code).toBe(0);
  expect(await all(ann)).toEqual(stranger);
});
