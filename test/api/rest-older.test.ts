import Type, { type TSchema } from 'typebox';
import { Value } from 'typebox/value';

import { describe, expect, it } from 'vitest';
import {
  OlderFlavor,
  OlderImage,
  OlderJob,
  OlderMetrics,
  OlderNode,
  OlderRemote,
} from '../../src/api/rest/older-shapes.ts';
import { forAll } from '../e2e/lab.ts';
import { isEnded, waiter } from '../e2e/waiter.ts';
import { type Answer, type Person, restPlace } from './rest-place.ts';

const place = forAll(() => restPlace(['--set', 'jobs.relocate=asked']));

const fits = (shape: TSchema, answer: Answer): unknown => {
  expect([answer.status, answer.headers['content-type']]).toEqual([
    200,
    'application/json; charset=utf-8',
  ]);
  const value = answer.json();
  expect([...Value.Errors(shape, value)]).toEqual([]);
  return value;
};

const submit = async (who: Person, script: string): Promise<string> => {
  const answer = await place().ask(who, '/user/job', { method: 'POST', body: script });
  expect([answer.status, answer.text]).toEqual([
    200,
    expect.stringMatching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  ]);
  return answer.text;
};

const jobOf = async (who: Person, id: string): Promise<Record<string, unknown>> =>
  (await place().ask(who, `/user/job/${id}`)).json() as Record<string, unknown>;

const ended = async (id: string) => place().node.until(id, isEnded);

const NO_JOB = '00000000-0000-4000-8000-000000000000';
const errorOf = ({ status, text }: Answer) => [status, text];

describe('an existing client', { timeout: 60_000 }, () => {
  it('asks for the version', async () => {
    const { ask, ann } = place();
    const headers = { authorization: 'Bearer swm' };
    expect(errorOf(await ask(ann, '/user', { headers }))).toEqual([200, '{"api_version":1}']);
  });

  it('reads lists whose ids lead from one to another', async () => {
    const { ask, ann } = place();
    const list = async (path: string, shape: TSchema) =>
      fits(Type.Array(shape), await ask(ann, path)) as Record<string, string>[];
    const remotes = await list('/user/remote', OlderRemote);
    const flavors = await list('/user/flavor', OlderFlavor);
    const images = await list('/user/image', OlderImage);
    expect(remotes.map(({ name }) => name)).toEqual(['local']);
    const ids = remotes.map(({ id }) => id);
    for (const { remote_id } of [...flavors, ...images]) expect(ids).toContain(remote_id);
    for (const { remote_id } of images)
      expect(flavors.map((flavor) => flavor['remote_id'])).toContain(remote_id);
    expect(flavors.map(({ id }) => id)).toContain(remotes[0]?.['default_flavor_id']);
    expect(images.map(({ id }) => id)).toContain(remotes[0]?.['default_image_id']);
    const small = flavors.find(({ name }) => name === 'small');
    expect(small?.['resources']).toContainEqual({ name: 'mem', count: 2 ** 31 });
    const nodes = await list('/user/node', OlderNode);
    expect(nodes).toMatchObject([{ state_power: 'up', state_alloc: 'idle' }]);
    expect(await list('/user/flavor?limit=1', OlderFlavor)).toEqual(flavors.slice(0, 1));
    expect(await list('/user/node?limit=0', OlderNode)).toEqual([]);
  });

  it('follows a job from its submit to its end', async () => {
    const { ask, ann, home } = place();
    const job = await waiter(home, 'name a name', 'comment some words');
    const id = await submit(ann, job.script);
    const before = Date.now();
    // A node that has nothing to do may be at it already.
    expect('QWTR').toContain((await jobOf(ann, id))['state']);
    await place().node.until(id, ({ phase }) => phase === 'running');
    const runs = fits(OlderJob, await ask(ann, `/user/job/${id}`)) as OlderJob;
    expect(runs).toMatchObject({
      ...{ id, name: 'a name', state: 'R', end_time: '', exitcode: 0, signal: 0 },
      ...{ comment: 'some words', script_content: job.script },
      ...{ node_names: [expect.any(String)], node_ips: ['127.0.0.1'], main_ip: '127.0.0.1' },
    });
    expect(Math.abs(Date.parse(runs.submit_time) - before)).toBeLessThan(60_000);
    const log = `/user/job/${id}/stdout`;
    await expect.poll(async () => (await ask(ann, log)).text).toMatch(/^begin \d+\n$/);
    await job.go();
    await ended(id);
    expect(await jobOf(ann, id)).toMatchObject({ state: 'F', exitcode: 3, signal: 0 });
    const whole = await ask(ann, log);
    expect(errorOf(whole)).toEqual([200, expect.stringMatching(/^begin (\d+)\nend \1\n$/)]);
    expect(whole.headers['content-type']).toBe('application/octet-stream');
    expect(errorOf(await ask(ann, `/user/job/${id}/stderr`))).toEqual([200, '']);
    const metrics = fits(OlderMetrics, await ask(ann, `/user/job/${id}/metrics`));
    expect(metrics).toMatchObject({ job_id: id, gpu_mem_bytes: { avg: null, max: null } });
    const listed = fits(Type.Array(OlderJob), await ask(ann, '/user/job')) as OlderJob[];
    expect(listed.find((one) => one.id === id)).toEqual({
      ...(await jobOf(ann, id)),
      script_content: undefined,
    });
  });

  it('reaches a port of its job at the first address, under its own number', async () => {
    const { ann, home } = place();
    const job = await waiter(home, 'ports 18888/tcp/in');
    const id = await submit(ann, job.script);
    await place().node.until(id, ({ phase }) => phase === 'running');
    const { node_ips, main_ip } = (await jobOf(ann, id)) as unknown as OlderJob;
    expect(node_ips).toEqual([expect.stringMatching(/^127\.77\./)]);
    expect(main_ip).toBe(node_ips[0]);
    await job.go();
    await ended(id);
  });

  it('sends its script as a form without a file name, with a boundary of any length', async () => {
    const { ask, ann } = place();
    for (const boundary of ['x', '0123456789abcdef0123456789abcdef', 'y'.repeat(300)]) {
      const script = `#!/bin/sh\n# --${boundary}\necho form\n`;
      const body =
        `--${boundary}\r\nContent-Disposition: form-data; name="script_content"\r\n\r\n` +
        `${script}\r\n--${boundary}--\r\n`;
      const headers = { 'content-type': `multipart/form-data; boundary=${boundary}` };
      const { status, text: id } = await ask(ann, '/user/job', { method: 'POST', headers, body });
      expect(status).toBe(200);
      expect(await jobOf(ann, id)).toMatchObject({ script_content: script });
      await ended(id);
    }
  });

  it('cancels, requeues and purges, and reads what was done as text', async () => {
    const { ask, bob, home } = place();
    const job = await waiter(home);
    const id = await submit(bob, job.script);
    await place().node.until(id, ({ phase }) => phase === 'running');
    const done = await submit(bob, '#!/bin/sh\n');
    await ended(done);
    expect(errorOf(await ask(bob, '/user/job', { method: 'DELETE' }))).toEqual([
      200,
      `Purged 1 job(s): ${done}`,
    ]);
    // A type without a body, as generated clients send it.
    const headers = { 'content-type': 'application/json', modification: 'requeue' };
    const act = async (method: string, which: string) =>
      (await ask(bob, `/user/job/${which}`, { method, headers })).text;
    expect(await act('DELETE', id)).toBe(`Canceled: ${id}\nNot found: `);
    expect(await ended(id)).toMatchObject({ state: 'C' });
    expect(await act('DELETE', NO_JOB)).toBe(`Canceled: \nNot found: ${NO_JOB}`);
    expect(await act('PATCH', NO_JOB)).toBe(`Requeued: \nNot found: ${NO_JOB}`);
    await job.go();
    expect(await act('PATCH', id)).toBe(`Requeued: ${id}\nNot found: `);
    expect(await ended(id)).toMatchObject({ state: 'F', run: 2 });
    expect(await act('DELETE', '')).toBe(`Purged 1 job(s): ${id}`);
    expect((await ask(bob, '/user/job')).text).toBe('[]');
  });

  it('purges a job that waits, and none of another user', async () => {
    const { ask, ann, bob, home, node } = place();
    const [{ resources }] = (await node.client.call('node.list', {})).nodes as never as [
      { resources: { cpus: number } },
    ];
    const job = await waiter(home, `cpus ${resources.cpus}`);
    const blocks = await submit(ann, job.script);
    await node.until(blocks, ({ phase }) => phase === 'running');
    const waits = await submit(bob, `#!/bin/sh\n#SWM cpus ${resources.cpus}\n`);
    await node.until(waits, ({ phase }) => phase === 'queued');
    const { text } = await ask(bob, '/user/job', { method: 'DELETE' });
    expect(text).toBe(`Purged 1 job(s): ${waits}`);
    expect(await jobOf(ann, blocks)).toMatchObject({ state: 'R' });
    await job.go();
    await ended(blocks);
  });
});
