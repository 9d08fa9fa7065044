import { createHash, randomBytes } from 'node:crypto';
import { readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JobView } from '../../src/protocol/model.ts';
import { forAll } from '../e2e/lab.ts';
import { isEnded, waiter } from '../e2e/waiter.ts';
import { type Answer, heard, restPlace } from './rest-place.ts';

const place = forAll(() => restPlace(['--set', 'jobs.relocate=asked']));

const sumOf = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const told = ({ status, headers }: Answer) => [status, headers['range'], headers['content-range']];

const put = (path: string, body: Uint8Array, range?: string): Promise<Answer> =>
  place().ask(place().ann, path, {
    method: 'PUT',
    body,
    headers: {
      'content-length': String(body.length),
      ...(range !== undefined && { 'content-range': range }),
    },
  });

const submit = async (body: object): Promise<string> => {
  const headers = { 'content-type': 'application/json' };
  const asked = { method: 'POST', headers, body: JSON.stringify(body) };
  const answer = await place().ask(place().ann, '/v1/jobs', asked);
  expect([answer.status, answer.text]).toEqual([201, expect.any(String)]);
  return (answer.json() as { readonly id: string }).id;
};

describe('files', { timeout: 60_000 }, () => {
  it('go in by their sum, and come out of a job', async () => {
    const { ask, ann, node } = place();
    const bytes = randomBytes(1_500_000);
    const sha256 = sumOf(bytes);
    const path = `/v1/blobs/${sha256}`;
    expect((await ask(ann, path)).status).toBe(404);
    const kept = await put(path, bytes);
    expect([kept.status, kept.json()]).toEqual([200, { sha256, bytes: bytes.length }]);
    expect((await put(path, bytes)).status).toBe(200);
    const script = '#!/bin/sh\n#SWM input-files in\n#SWM output-files out none\ncp in out\n';
    const id = await submit({
      script,
      inputs: [{ path: 'in', sha256, bytes: bytes.length, mode: 0o644 }],
    });
    await node.until(id, isEnded);
    const outputs = (await ask(ann, `/v1/jobs/${id}/outputs`)).json();
    expect(outputs).toMatchObject({ outputs: [{ path: 'out', sha256 }], missing: ['none'] });
    const out = await ask(ann, `/v1/jobs/${id}/outputs/out`);
    expect(sumOf(out.bytes)).toBe(sha256);
    expect(out.headers).toMatchObject({
      etag: `"${sha256}"`,
      'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
      'content-disposition': "attachment; filename*=UTF-8''out",
    });
    for (const other of ['none', 'in', '..%2Fout', '/etc/passwd'])
      expect((await ask(ann, `/v1/jobs/${id}/outputs/${other}`)).status).toBe(404);
  });

  it('come in parts, from where they were cut', async () => {
    const bytes = randomBytes(300_000);
    const path = `/v1/blobs/${sumOf(bytes)}`;
    const none = Buffer.alloc(0);
    expect(told(await put(path, none, 'bytes */300000'))).toEqual([308, undefined, undefined]);
    const first = await put(path, bytes.subarray(0, 100_000), 'bytes 0-99999/300000');
    expect(told(first)).toEqual([308, 'bytes=0-99999', undefined]);
    expect(told(await put(path, none, 'bytes */300000'))).toEqual([
      308,
      'bytes=0-99999',
      undefined,
    ]);
    const gap = await put(path, bytes.subarray(200_000), 'bytes 200000-299999/300000');
    expect([gap.status, gap.text]).toEqual([
      409,
      expect.stringContaining('100000 bytes are there'),
    ]);
    // What is there already is left out.
    const rest = await put(path, bytes.subarray(50_000), 'bytes 50000-299999/300000');
    expect(rest.status).toBe(200);
    expect((await put(path, none, 'bytes */300000')).status).toBe(200);
    expect(sumOf((await place().ask(place().ann, path)).bytes)).toBe(sumOf(bytes));
  });

  it('that are not what they were said to be are not kept', async () => {
    const { ask, ann } = place();
    const path = `/v1/blobs/${sumOf(Buffer.from('right'))}`;
    const wrong = await put(path, Buffer.from('wrong'));
    expect([wrong.status, wrong.json()]).toMatchObject([422, { code: 'input_corrupt' }]);
    expect((await ask(ann, path)).status).toBe(404);
    expect((await put(path, Buffer.from('right'))).status).toBe(200);
    for (const range of ['bytes 3-1/5', 'bytes 0-9/5', 'bytes', 'lines 0-1/2'])
      expect((await put(path, Buffer.from('ri'), range)).status).toBe(400);
    expect((await put('/v1/blobs/short', Buffer.from('x'))).status).toBe(400);
  });

  it('are sent in parts, as they are asked for', async () => {
    const { ask, ann } = place();
    const bytes = randomBytes(200_000);
    const tag = sumOf(bytes);
    const path = `/v1/blobs/${tag}`;
    await put(path, bytes);
    const get = (headers: Record<string, string>) => ask(ann, path, { headers });
    const parts: readonly [string, number, number][] = [
      ['bytes=0-0', 0, 1],
      ['bytes=1000-149999', 1_000, 150_000],
      ['bytes=199990-', 199_990, 200_000],
      ['bytes=-10', 199_990, 200_000],
      ['bytes=0-999999', 0, 200_000],
    ];
    for (const [range, from, to] of parts) {
      const part = await get({ range });
      const shown = `bytes ${from}-${to - 1}/200000`;
      expect(told(part)).toEqual([206, undefined, shown]);
      expect(part.bytes.equals(bytes.subarray(from, to))).toBe(true);
    }
    expect(told(await get({ range: 'bytes=200000-' }))).toEqual([416, undefined, 'bytes */200000']);
    // What we do not understand, and what is of another version, is answered with all of it.
    for (const headers of [
      { range: 'bytes=0-1,3-4' },
      { range: 'lines=0-1' },
      { range: 'bytes=5-1' },
      { range: 'bytes=0-1', 'if-range': '"other"' },
    ])
      expect(await get(headers)).toMatchObject({ status: 200, bytes });
    expect((await get({ range: 'bytes=0-1', 'if-range': `"${tag}"` })).status).toBe(206);
    expect((await get({ 'if-none-match': `"${tag}"` })).status).toBe(304);
  });
});

describe('what a job writes', { timeout: 60_000 }, () => {
  it('is followed from an offset, to the last byte', async () => {
    const { ann, open, node, home } = place();
    const job = await waiter(home);
    const id = await submit({ script: job.script });
    const whole = heard(await open(ann, `/v1/jobs/${id}/stdout?follow=1`));
    const part = heard(await open(ann, `/v1/jobs/${id}/stdout?follow=1&offset=6`));
    await expect.poll(whole.text, { timeout: 20_000 }).toMatch(/^begin \d+\n$/);
    await job.go();
    await Promise.all([whole.over, part.over]);
    expect(whole.text()).toMatch(/^begin (\d+)\nend \1\n$/);
    expect(part.text()).toBe(whole.text().slice(6));
    await node.until(id, isEnded);
    const kept = await place().ask(ann, `/v1/jobs/${id}/stdout`, {
      headers: { range: 'bytes=-4' },
    });
    expect([kept.status, kept.text]).toEqual([206, whole.text().slice(-4)]);
  });

  it('is read no more once nobody follows', async () => {
    const { ann, open, node, home } = place();
    const job = await waiter(home);
    const id = await submit({ script: job.script });
    await node.until(id, ({ phase }) => phase === 'running');
    const files = `/proc/${node.pid}/fd`;
    const readers = async (): Promise<number> => {
      const links = (await readdir(files)).map((fd) => readlink(join(files, fd)).catch(() => ''));
      return (await Promise.all(links)).filter((path) => path.includes(id)).length;
    };
    const path = `/v1/jobs/${id}/stdout?follow=1`;
    const logs = await Promise.all(Array.from({ length: 20 }, () => open(ann, path)));
    await expect.poll(readers, { timeout: 10_000 }).toBe(logs.length);
    for (const log of logs) log.on('error', () => {}).destroy();
    await expect.poll(readers, { timeout: 10_000 }).toBe(0);
    await job.go();
    await node.until(id, isEnded);
  });
});

type Event = { readonly id: string; readonly event: string; readonly data: JobView };

const eventsOf = (text: string): readonly Event[] =>
  [...text.matchAll(/^id: (.*)\nevent: (.*)\ndata: (.*)\n$/gm)].map(
    ([, id = '', event = '', data = '']) => ({ id, event, data: JSON.parse(data) as JobView }),
  );

describe('the events of a job', { timeout: 60_000 }, () => {
  it('tell how it is and then what changes, until it has ended', async () => {
    const { ann, ask, open, node, home } = place();
    const job = await waiter(home);
    const id = await submit({ script: job.script });
    await node.until(id, ({ phase }) => phase === 'running');
    const path = `/v1/jobs/${id}/events`;
    const answer = await open(ann, path);
    expect(answer.headers['content-type']).toBe('text/event-stream');
    const all = heard(answer);
    await expect.poll(() => eventsOf(all.text()).length, { timeout: 20_000 }).toBe(1);
    const [first] = eventsOf(all.text());
    expect(first).toMatchObject({ event: 'job', data: { id, phase: 'running' } });
    // Who has that one already is told only what comes after.
    const rest = heard(await open(ann, path, { 'last-event-id': first?.id ?? '' }));
    await expect.poll(rest.text, { timeout: 20_000 }).toBe(':\n\n');
    await job.go();
    await Promise.all([all.over, rest.over]);
    const phases = eventsOf(all.text()).map(({ data }) => data.phase);
    expect(phases[0]).toBe('running');
    expect(phases.at(-1)).toBe('ended');
    expect(eventsOf(rest.text())).toEqual(eventsOf(all.text()).slice(1));
    const last = eventsOf(all.text()).at(-1)?.id ?? '';
    const done = await ask(ann, path, { headers: { 'last-event-id': last } });
    expect([done.status, done.text]).toEqual([204, '']);
    expect(eventsOf((await ask(ann, path)).text)).toMatchObject([{ id: last }]);
  });
});
