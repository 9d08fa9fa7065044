import { expect, it } from 'vitest';
import type { JobRow } from '../../src/protocol/model.ts';
import { forAll } from '../e2e/lab.ts';
import { type Person, restPlace } from './rest-place.ts';

const place = forAll(() => restPlace(['--set', 'jobs.relocate=asked']));

const json = { 'content-type': 'application/json' };
const post = (who: Person, path: string, body: object = {}) =>
  place().ask(who, path, { method: 'POST', headers: json, body: JSON.stringify(body) });

it('requests hold jobs, release and change them, and sum up what was used', {
  timeout: 60_000,
}, async () => {
  const { ask, ann, bob, admin, node } = place();
  const script = '#!/bin/sh\n#SWM hold\n#SWM account lab\n';
  const { id } = (await post(ann, '/v1/jobs', { script })).json() as { id: string };
  const details = async (): Promise<string> =>
    ((await ask(ann, `/v1/jobs/${id}`)).json() as { job: JobRow }).job.details;
  const steer = async (who: Person, what: string, body: object = {}): Promise<number> =>
    (await post(who, `/v1/jobs/${id}/${what}`, body)).status;

  expect(await details()).toMatch(/^held by its owner since /);
  for (const what of ['hold', 'release', 'update']) expect(await steer(bob, what)).toBe(403);
  expect(await steer(admin, 'hold')).toBe(200);
  expect(await steer(ann, 'release')).toBe(403);
  expect(await details()).toMatch(/^held by operator /);

  for (const odd of [
    { priority: 1_001 },
    { priority: '1' },
    { walltimeMs: 999 },
    { name: '' },
    { name: 'a\nb' },
    { cpus: 9 },
  ])
    expect([odd, await steer(ann, 'update', odd)]).toEqual([odd, 400]);
  expect(await steer(ann, 'update', { priority: -1_000, walltimeMs: 60_000, name: 'b' })).toBe(200);

  expect(await steer(admin, 'release')).toBe(200);
  await node.until(id, ({ phase }) => phase === 'ended');
  expect(await steer(ann, 'hold')).toBe(409);

  const used = async (who: Person, query = '') =>
    (await ask(who, `/v1/usage${query}`)).json() as { rows: object[]; next: string };
  const row = { jobs: 1, coreMs: expect.any(Number), cost: 0 };
  const by = '?by=account';
  expect((await used(ann, by)).rows).toEqual([{ name: 'lab', ...row }]);
  expect((await used(admin, by)).rows).toEqual([{ name: 'lab', ...row }]);
  expect((await used(bob, by)).rows).toEqual([]);
  expect((await used(ann, `?until=1`)).rows).toEqual([]);
  expect((await ask(ann, '/v1/usage?by=node')).status).toBe(400);
});
