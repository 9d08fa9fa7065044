import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { folder, forAll, swm } from '../e2e/lab.ts';
import { isEnded, waiter } from '../e2e/waiter.ts';
import { freePort } from '../platform/free-port.ts';
import { restPlace } from './rest-place.ts';

const DOCS = join(import.meta.dirname, '..', '..', 'docs');

const place = forAll(async () => {
  const port = await freePort();
  const args = ['--set', 'jobs.relocate=asked', '--set', `metrics.port=${port}`];
  return { ...(await restPlace(args)), port };
});

/** The value of a line, by its name and labels. */
const numberAt = (text: string, line: string): number => {
  const found = text.split('\n').find((one) => one.startsWith(`${line} `));
  return found === undefined ? Number.NaN : Number(found.slice(line.length));
};

describe('metrics', { timeout: 60_000 }, () => {
  it('are for operators, and for who is on this machine if the operator wants it', async () => {
    const { ask, ann, admin, port } = place();
    expect((await ask(ann, '/metrics')).text).toBe('{"error":"forbidden"}');
    expect((await ask(undefined, '/metrics')).status).toBe(401);
    const { status, headers, text } = await ask(admin, '/metrics');
    expect([status, headers['content-type']]).toEqual([
      200,
      'text/plain; version=0.0.4; charset=utf-8',
    ]);
    for (const line of text.split('\n'))
      expect(line).toMatch(/^$|^# (HELP|TYPE) \w+ .+$|^\w+(\{.*\})? (-?[\d.e+-]+|Nan)$/);
    const plain = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect([plain.status, await plain.text()]).toEqual([
      200,
      expect.stringContaining('# TYPE swm_commit_seconds histogram'),
    ]);
    for (const path of ['/', '/user/job', '/health'])
      expect((await fetch(`http://127.0.0.1:${port}${path}`)).status).toBe(404);
  });

  it('count jobs, commits and what the head is', async () => {
    const { ask, ann, admin, node, home } = place();
    const submit = async (script: string): Promise<string> =>
      (await ask(ann, '/user/job', { method: 'POST', body: script })).text;
    const cpus = (await node.client.call('node.list', {})).nodes[0]?.resources.cpus ?? 0;
    await node.until(await submit('#!/bin/sh\n'), isEnded);
    const job = await waiter(home, `cpus ${cpus}`);
    const runs = await submit(job.script);
    await node.until(runs, ({ phase }) => phase === 'running');
    await submit(`#!/bin/sh\n#SWM cpus ${cpus}\n`);
    await submit(`#!/bin/sh\n#SWM cpus ${cpus}\n`);
    const seen = async () => {
      const { text } = await ask(admin, '/metrics');
      const jobs = ['queued', 'running', 'ended'].map((phase) =>
        numberAt(text, `swm_jobs{phase="${phase}"}`),
      );
      return { text, jobs };
    };
    await expect.poll(async () => (await seen()).jobs, { timeout: 20_000 }).toEqual([2, 1, 1]);
    const { text } = await seen();
    expect(numberAt(text, 'swm_queue_age_seconds')).toBeGreaterThan(0);
    expect(numberAt(text, 'swm_raft_role{role="leader"}')).toBe(1);
    expect(numberAt(text, 'swm_raft_term')).toBeGreaterThan(0);
    expect(numberAt(text, 'swm_actors')).toBeGreaterThan(5);
    expect(numberAt(text, 'process_resident_memory_bytes')).toBeGreaterThan(1 << 20);
    expect(numberAt(text, 'nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0);
    const commits = numberAt(text, 'swm_commit_seconds_count');
    expect(commits).toBeGreaterThan(0);
    expect(numberAt(text, 'swm_commit_seconds_bucket{le="+Inf"}')).toBe(commits);
    await job.go();
    await node.until(runs, isEnded);
  });

  it('tell of sites: what they are asked for, and what their clusters cost', async () => {
    const { ask, ann, admin, node, home } = place();
    const job = await waiter(home, 'flavor small');
    const made = (await ask(ann, '/user/job', { method: 'POST', body: job.script })).text;
    await node.until(made, ({ phase }) => phase === 'running', 60);
    const { text } = await ask(admin, '/metrics');
    const calls = (call: string, result = 'done'): number =>
      numberAt(
        text,
        `swm_gate_call_seconds_count{remote="local",call="${call}",result="${result}"}`,
      );
    expect(calls('create')).toBe(1);
    expect(calls('flavors')).toBeGreaterThan(0);
    expect(numberAt(text, 'swm_clusters{remote="local"}')).toBe(1);
    const { flavors } = await node.client.call('flavor.list', {});
    const price = flavors.find(({ name }) => name === 'small')?.price;
    expect(numberAt(text, 'swm_cost_per_hour{remote="local"}')).toBe(price);
    await job.go();
    await node.until(made, isEnded);
    const after = (await ask(admin, '/metrics')).text;
    expect(numberAt(after, 'swm_clusters{remote="local"}')).toBe(0);
    expect(numberAt(after, 'swm_cost_per_hour{remote="local"}')).toBe(0);
  });

  it('are all that the dashboard shows, and are told of', async () => {
    const { ask, admin } = place();
    const { text } = await ask(admin, '/metrics');
    const exported = text.split('\n').flatMap((line) => /^\w+(?=[{ ])/.exec(line) ?? []);
    const dashboard = await readFile(join(DOCS, 'grafana.json'), 'utf8');
    const shown = [...dashboard.matchAll(/\b(?:swm|process|nodejs)_[a-z0-9_]+/g)].map(
      ([one]) => one,
    );
    expect(new Set(shown).size).toBeGreaterThan(15);
    expect([...new Set(shown)].filter((name) => !exported.includes(name))).toEqual([]);
    const guide = await readFile(join(DOCS, 'operating.md'), 'utf8');
    const own = exported.filter((name) => name.startsWith('swm_'));
    const plain = own.map((name) => name.replace(/_(bucket|sum|count)$/, ''));
    expect(plain.filter((name) => !guide.includes(`\`${name}`))).toEqual([]);
  });

  it('are not offered to the world without a certificate', async () => {
    const spool = join(await folder(), 'spool');
    const open = ['--set', 'metrics.host=0.0.0.0', '--set', 'metrics.port=9999'];
    const done = await swm(['dev', '--spool', spool, ...open]);
    expect(done).toMatchObject({ code: 2, stderr: expect.stringContaining('a loopback address') });
  });
});
