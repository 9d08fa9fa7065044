import { connect as connectTcp } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { limits } from '../../src/protocol/limits.ts';
import { forAll, until } from '../e2e/lab.ts';
import { isEnded } from '../e2e/waiter.ts';
import { type Answer, type Asked, type Person, restPlace } from './rest-place.ts';

const place = forAll(() => restPlace());

const told = ({ status, text }: Answer) => [status, text];
const POST = { method: 'POST' };

/** It serves as before. */
async function serves(): Promise<void> {
  const { ask, ann } = place();
  expect(told(await ask(ann, '/user'))).toEqual([200, '{"api_version":1}']);
  expect(place().node.log()).not.toContain('met a bug');
}

describe('who may not', { timeout: 60_000 }, () => {
  it.each([
    ['nobody', 'no certificate was shown', (): Person | undefined => undefined],
    ['somebody unregistered', 'this user is not registered here', (): Person => place().eve],
    ['somebody of yesterday', 'the certificate has expired', (): Person => place().old],
  ] as const)('ask anything: %s', async (_, text, who) => {
    const { ask } = place();
    const person = who();
    for (const path of ['/user', '/user/job', '/nothing'])
      expect(told(await ask(person, path))).toEqual([401, '{"error":"unauthorized"}']);
    const ours = await ask(person, '/v1/jobs');
    expect([ours.status, ours.json()]).toEqual([401, { error: 'unauthorized', text }]);
    expect(told(await ask(person, '/user/job', { ...POST, body: '#!/bin/sh\n' }))).toEqual([
      401,
      '{"error":"unauthorized"}',
    ]);
    expect((await ask(person, '/health')).status).toBe(200);
  });

  it('look at, or touch, what is another’s', async () => {
    const { ask, ann, bob, admin } = place();
    const { text: id } = await ask(ann, '/user/job', { ...POST, body: '#!/bin/sh\necho mine\n' });
    await place().node.until(id, isEnded);
    const forbidden = [403, '{"error":"forbidden"}'];
    const mine = `/user/job/${id}`;
    for (const path of [mine, `${mine}/stdout`, `${mine}/stderr`, `${mine}/metrics`])
      expect(told(await ask(bob, path))).toEqual(forbidden);
    expect(told(await ask(bob, mine, { method: 'DELETE' }))).toEqual(forbidden);
    const headers = { modification: 'requeue' };
    expect(told(await ask(bob, mine, { method: 'PATCH', headers }))).toEqual(forbidden);
    expect(told(await ask(bob, '/user/job'))).toEqual([200, '[]']);
    // Operators see all, and purge only their own.
    expect(told(await ask(admin, `${mine}/stdout`))).toEqual([200, 'mine\n']);
    expect(await ask(admin, '/user/job').then((all) => all.text)).toContain(id);
    expect((await ask(admin, '/user/job', { method: 'DELETE' })).text).toBe('Purged 0 job(s): ');
  });

  it('be sent by a page of another site', async () => {
    const { ask, ann } = place();
    const headers = { origin: 'https://evil.example' };
    const answer = await ask(ann, '/user/job', { ...POST, headers, body: '#!/bin/sh\n' });
    expect(told(answer)).toEqual([403, '{"error":"forbidden"}']);
  });
});

const form = (boundary: string, text: string): Asked => ({
  ...POST,
  headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
  body: text.replaceAll('\n', '\r\n'),
});
const NO_JOB = '00000000-0000-4000-8000-000000000000';
const field = 'Content-Disposition: form-data; name="script_content"';
const other = field.replace('_content', '');

describe('what is wrong', { timeout: 60_000 }, () => {
  const wrong: readonly [string, string, Asked, number, string][] = [
    ['an unknown job', `/user/job/${NO_JOB}`, {}, 404, 'job not found'],
    ['the log of one', `/user/job/${NO_JOB}/stdout`, {}, 404, 'job not found'],
    ['no id', '/user/job/..%2f..%2fetc', {}, 404, 'job not found'],
    ['the beginning of an id', '/user/job/0000', { method: 'DELETE' }, 200, 'Not found: 0000'],
    ['an unknown route', '/user/jobs', {}, 404, 'not found'],
    ['an unknown method', '/user/job', { method: 'PUT' }, 404, 'not found'],
    ['a path that is none', '/user/job/%zz', {}, 400, 'is not a valid url component'],
    ['a limit that is none', '/user/node?limit=-1', {}, 400, 'limit: a count'],
    ['a path of the head', '/user/job?path=/etc/passwd', { ...POST, body: 'x' }, 400, 'path: '],
    ['another change', `/user/job/${NO_JOB}`, { method: 'PATCH' }, 400, '`requeue`'],
    ['no script', '/user/job', POST, 400, 'a job script'],
    ['no text', '/user/job', { ...POST, body: Buffer.from([0xff, 0xfe]) }, 400, 'UTF-8'],
    ['a bad script', '/user/job', { ...POST, body: '\n#SWM nmae x\n' }, 400, 'script:2:6: '],
    ['too much asked', '/user/job', { ...POST, body: '#SWM flavor huge\n' }, 422, 'no flavor huge'],
    ['a form without a boundary', '/user/job', form('', '--x--'), 400, 'a boundary'],
    ['a form of nothing', '/user/job', form('x', '--x--\n'), 400, '`script_content`'],
    ['another field', '/user/job', form('x', `--x\n${other}\n\na\n--x--`), 400, 'one part'],
    [
      'two of it',
      '/user/job',
      form('x', `--x\n${field}\n\n\n--x\n${field}\n\n\n--x--`),
      400,
      'one',
    ],
    ['a form that does not end', '/user/job', form('x', `--x\n${field}\n\na\n`), 400, 'ends'],
    [
      'a form of another boundary',
      '/user/job',
      form('y', `--x\n${field}\n\na\n--x--`),
      400,
      'begins',
    ],
  ];
  it.each(wrong)('%s is told', async (_, path, asked, status, text) => {
    const answer = await place().ask(place().ann, path, asked);
    expect(answer).toMatchObject({ status, text: expect.stringContaining(text) });
    if (status !== 200) expect(answer.json()).toHaveProperty('error');
    await serves();
  });

  it('is a script of more than 16,000,000 bytes, as a body and in a form', async () => {
    const { ask, ann } = place();
    const large = Buffer.alloc(17_000_000, '#');
    const tooLarge = [413, '{"error":"a script has at most 16000000 bytes","code":"too_large"}'];
    expect(told(await ask(ann, '/user/job', { ...POST, body: large }))).toEqual(tooLarge);
    const script = `#!/bin/sh\n${'#'.repeat(limits.scriptBytesMax - 10)}`;
    for (const [more, status] of [
      ['', 200],
      ['#', 413],
    ] as const) {
      const body = `--x\r\n${field}\r\n\r\n${script}${more}\r\n--x--\r\n`;
      const headers = { 'content-type': 'multipart/form-data; boundary=x' };
      const answer = await ask(ann, '/user/job', { ...POST, headers, body });
      expect(answer.status).toBe(status);
      if (status !== 200) continue;
      const kept = await ask(ann, `/user/job/${answer.text}`);
      expect((kept.json() as { script_content: string }).script_content).toBe(script);
    }
    await serves();
  });

  it('is to go in the middle of a request', async () => {
    const { url, ann, chain, node, ask } = place();
    const { hostname: host, port } = new URL(url);
    for (const line of ['POST /user/job', 'POST /v1/jobs', `PUT /v1/blobs/${'0'.repeat(64)}`]) {
      const socket = connectTls({ host, port: Number(port), ca: chain, ...ann });
      const head = `${line} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nhalf`;
      await new Promise((resolve) => socket.write(head, resolve));
      // The head has begun to read it once it has answered the next one.
      await ask(ann, '/user');
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.destroy();
      await closed;
    }
    await serves();
    expect(node.log()).not.toContain('"level":"error"');
  });

  it('is to connect and say nothing, a thousand times', async () => {
    const { url } = place();
    const { hostname: host, port } = new URL(url);
    const to = { host, port: Number(port) };
    const silent = Array.from({ length: 1_000 }, (_, i) =>
      i % 10 === 0 ? connectTls({ ...to, rejectUnauthorized: false }) : connectTcp(to),
    );
    let open = 0;
    for (const socket of silent) {
      socket.on('error', () => {});
      socket.once('connect', () => open++);
    }
    await until(() => open === silent.length);
    await serves();
    const more = Array.from({ length: 100 }, () => connectTcp(to));
    let refused = 0;
    for (const socket of more) socket.on('error', () => {}).on('close', () => refused++);
    // Of one address there are no more than this.
    await until(() => refused >= silent.length + more.length - limits.addressConnectionsMax);
    for (const socket of [...silent, ...more]) socket.destroy();
    await serves();
  });
});
