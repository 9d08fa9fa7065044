import Type from 'typebox';
import { Value } from 'typebox/value';
import { expect, it } from 'vitest';
import { OlderMetrics } from '../../src/api/rest/older-shapes.ts';
import { UsedByRank } from '../../src/protocol/used.ts';
import { forAll } from '../e2e/lab.ts';
import { isEnded, waiter } from '../e2e/waiter.ts';
import { type Person, restPlace } from './rest-place.ts';

const place = forAll(() => restPlace(['--set', 'jobs.relocate=asked']));
type Told = { readonly attempt: number; readonly ranks: UsedByRank[] };

it('what a job uses is told while it runs, and kept when it has ended', {
  timeout: 60_000,
}, async () => {
  const { ask, ann, bob, node, home } = place();
  const job = await waiter(home);
  const body = `${job.script.replace('exit 3', '')}\nexit 3\n`;
  const id = (await ask(ann, '/user/job', { method: 'POST', body })).text;
  const told = async (who: Person = ann): Promise<Told> =>
    (await ask(who, `/v1/jobs/${id}/metrics`)).json() as Told;
  expect(await told()).toMatchObject({ ranks: [] });
  await expect.poll(async () => (await told()).ranks.length, { timeout: 20_000 }).toBe(1);
  expect((await ask(bob, `/v1/jobs/${id}/metrics`)).status).toBe(403);
  await job.go();
  await node.until(id, isEnded);

  const { ranks, attempt } = await told();
  expect(Value.Errors(Type.Array(UsedByRank), ranks)).toEqual([]);
  expect(attempt).toBe(1);
  const [main] = ranks;
  expect(main).toMatchObject({ rank: 0, gpuMemBytes: null });
  expect(main?.memBytes?.avg).toBeGreaterThan(10_000);
  expect(main?.memBytes?.max).toBeGreaterThanOrEqual(main?.memBytes?.avg ?? Number.NaN);
  const older = (await ask(ann, `/user/job/${id}/metrics`)).json();
  expect(Value.Errors(OlderMetrics, older)).toEqual([]);
  expect(older).toEqual({
    job_id: id,
    cpu_percent: main?.cpuPercent,
    mem_bytes: main?.memBytes,
    gpu_util_percent: { avg: null, max: null },
    gpu_mem_bytes: { avg: null, max: null },
  });
  expect((await node.run('show', id)).stdout).toMatch(/^uses +\d+ %, at most \d+ % of a core; /m);
});
