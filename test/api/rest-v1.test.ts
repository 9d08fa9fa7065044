import { describe, expect, it } from 'vitest';
import type { JobRow } from '../../src/protocol/model.ts';
import { forAll } from '../e2e/lab.ts';
import { isEnded, waiter } from '../e2e/waiter.ts';
import { type Answer, type Person, restPlace } from './rest-place.ts';

const place = forAll(() => restPlace(['--set', 'jobs.relocate=asked']));

const jsonHeaders = { 'content-type': 'application/json' };
const POST = { method: 'POST' };

type Submitted = { readonly script: string; readonly key?: string };

const submit = (who: Person, { script, key }: Submitted): Promise<Answer> =>
  place().ask(who, '/v1/jobs', {
    ...POST,
    headers: { ...jsonHeaders, ...(key !== undefined && { 'idempotency-key': key }) },
    body: JSON.stringify({ script }),
  });

const idOf = (answer: Answer): string => {
  expect([answer.status, answer.text]).toEqual([201, expect.stringContaining('"id":"')]);
  return (answer.json() as { readonly id: string }).id;
};

const list = async (who: Person, query = ''): Promise<readonly JobRow[]> =>
  ((await place().ask(who, `/v1/jobs${query}`)).json() as { readonly jobs: JobRow[] }).jobs;

/** What a problem says, once it is seen to be one. */
const problemOf = (answer: Answer) => {
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  const problem = answer.json() as Readonly<Record<string, unknown>>;
  expect(problem).toMatchObject({
    type: `urn:swm:error:${problem['code']}`,
    status: answer.status,
    title: expect.stringMatching(/./),
    mend: expect.stringMatching(/./),
    retry: expect.any(Boolean),
  });
  return [answer.status, problem['code'], problem['detail']];
};

describe('jobs as resources', { timeout: 60_000 }, () => {
  it('are made once by a key, whoever says it again', async () => {
    const { ask, ann, bob } = place();
    const first = await submit(ann, { script: '#!/bin/sh\n', key: 'a key' });
    const id = idOf(first);
    expect(first.headers['location']).toBe(`/v1/jobs/${id}`);
    expect(idOf(await submit(ann, { script: '#!/bin/sh\n', key: 'a key' }))).toBe(id);
    expect(idOf(await submit(bob, { script: '#!/bin/sh\n', key: 'a key' }))).not.toBe(id);
    const other = await submit(ann, { script: '#!/bin/sh\necho\n', key: 'a key' });
    expect(problemOf(other)).toEqual([409, 'key_reused', expect.stringContaining(id)]);
    const raw = await ask(ann, '/v1/jobs', { ...POST, body: '#!/bin/sh\n' });
    expect(idOf(raw)).not.toBe(id);
  });

  it('are listed by state, account, name and time, and page by page', async () => {
    const { ask, bob, node } = place();
    const ids: string[] = [];
    for (const [name, account] of [
      ['a', 'x'],
      ['b', 'x'],
      ['b', 'y'],
    ]) {
      const script = `#!/bin/sh\n#SWM name ${name}\n#SWM account ${account}\n`;
      const id = idOf(await submit(bob, { script }));
      ids.push(id);
      await node.until(id, isEnded);
    }
    const [a, b, c] = ids;
    const listed = async (query: string) =>
      (await list(bob, query)).map(({ id }) => id).filter((id) => ids.includes(id));
    expect(await listed('')).toEqual([a, b, c]);
    expect(await listed('?name=b')).toEqual([b, c]);
    expect(await listed('?account=x')).toEqual([a, b]);
    expect(await listed('?account=x&name=b&states=F')).toEqual([b]);
    expect(await listed('?states=QWTREC')).toEqual([]);
    const { submittedAt } = (await list(bob)).find(({ id }) => id === b) as JobRow;
    expect(await listed(`?since=${submittedAt}`)).toEqual([b, c]);
    expect(await listed(`?since=${submittedAt + 1}`)).toEqual([c]);
    const pages: JobRow[] = [];
    for (let path: string | undefined = `/v1/jobs?limit=1&since=${submittedAt}`; path; ) {
      const page: Answer = await ask(bob, path);
      const { jobs } = page.json() as { readonly jobs: JobRow[] };
      expect(jobs.length).toBeLessThan(2);
      pages.push(...jobs);
      path = /<(.*)>; rel="next"/.exec(String(page.headers['link']))?.[1];
    }
    expect(pages.map(({ id }) => id)).toEqual([b, c]);
  });

  it('are sent only when they are others than before', async () => {
    const { ask, ann, node, home } = place();
    const job = await waiter(home);
    const id = idOf(await submit(ann, { script: job.script }));
    await node.until(id, ({ phase }) => phase === 'running');
    const path = `/v1/jobs/${id}`;
    const first = await ask(ann, path);
    const etag = String(first.headers['etag']);
    const known = { headers: { 'if-none-match': `"other", ${etag}` } };
    const same = await ask(ann, path, known);
    expect([same.status, same.text, same.headers['etag']]).toEqual([304, '', etag]);
    await job.go();
    await node.until(id, isEnded);
    const after = await ask(ann, path, known);
    expect([after.status, (after.json() as { job: JobRow }).job.state]).toEqual([200, 'F']);
  });

  it('are cancelled, run again and forgotten', async () => {
    const { ask, ann, node, home } = place();
    const job = await waiter(home);
    const id = idOf(await submit(ann, { script: job.script }));
    await node.until(id, ({ phase }) => phase === 'running');
    const act = (method: string, path = '') => ask(ann, `/v1/jobs/${id}${path}`, { method });
    expect(problemOf(await act('DELETE'))).toEqual([
      409,
      'wrong_phase',
      expect.stringContaining('has not ended'),
    ]);
    expect((await act('POST', '/cancel')).json()).toMatchObject({ id });
    await node.until(id, isEnded);
    expect(problemOf(await act('POST', '/cancel'))[1]).toBe('wrong_phase');
    await job.go();
    expect((await act('POST', '/requeue')).json()).toEqual({ id, run: 2 });
    await node.until(id, isEnded);
    expect((await act('DELETE')).json()).toEqual({ id });
    expect(problemOf(await act('GET'))).toEqual([404, 'not_found', expect.stringContaining(id)]);
  });

  it('belong to somebody, and some things are for operators', async () => {
    const { ask, ann, bob, admin } = place();
    const id = idOf(await submit(ann, { script: '#!/bin/sh\n' }));
    for (const path of ['', '/stdout', '/events', '/outputs', '/outputs/x'])
      expect(problemOf(await ask(bob, `/v1/jobs/${id}${path}`)).slice(0, 2)).toEqual([
        403,
        'forbidden',
      ]);
    const expected = { ...POST, headers: jsonHeaders, body: '{"name":"worker-9"}' };
    expect(problemOf(await ask(bob, '/v1/nodes', expected)).slice(0, 2)).toEqual([
      403,
      'forbidden',
    ]);
    const invited = await ask(admin, '/v1/nodes', expected);
    expect([invited.status, invited.json()]).toMatchObject([200, { name: 'worker-9' }]);
    expect((await ask(admin, `/v1/jobs/${id}`)).status).toBe(200);
    expect((await ask(bob, '/v1/user')).json()).toMatchObject({ operator: false });
  });

  it('that are wrong are told where', async () => {
    const { ask, ann } = place();
    const post = (body: string) => ask(ann, '/v1/jobs', { ...POST, headers: jsonHeaders, body });
    const wrong = async (answer: Promise<Answer>) => problemOf(await answer);
    expect(await wrong(post('{'))).toEqual([400, 'malformed', '$: JSON']);
    expect(await wrong(post('[]'))).toEqual([400, 'malformed', '$: an object']);
    expect(await wrong(post('{"scrpt":""}'))).toEqual([
      400,
      'malformed',
      '$.scrpt: nothing here has that name',
    ]);
    expect(await wrong(post('{"script":5}'))).toEqual([400, 'malformed', expect.any(String)]);
    expect(await wrong(post('{"script":"#SWM nmae x"}'))).toEqual([
      400,
      'bad_script',
      expect.stringContaining('script:1:6: '),
    ]);
    expect(await wrong(post('{"script":"#SWM input-files a"}'))).toEqual([
      422,
      'missing_input',
      expect.stringContaining('input file a'),
    ]);
    expect(await wrong(ask(ann, '/v1/jobs?limit=x'))).toEqual([
      400,
      'malformed',
      expect.stringContaining('$.limit'),
    ]);
    expect(await wrong(ask(ann, '/v1/jobs?after=x'))).toEqual([
      400,
      'malformed',
      expect.stringContaining('$.after'),
    ]);
    expect(await wrong(ask(ann, '/v1/jobs?limit=1001'))).toEqual([
      400,
      'malformed',
      expect.stringContaining('$.limit'),
    ]);
    expect(await wrong(ask(ann, '/v1/nothing'))).toEqual([404, 'not_found', expect.any(String)]);
  });
});

describe('the head itself', { timeout: 60_000 }, () => {
  it('says how it is, to whoever asks', async () => {
    const { ask } = place();
    for (const path of ['/health', '/ready']) {
      const { status, text } = await ask(undefined, path);
      expect([status, text]).toEqual([200, expect.stringContaining(':true')]);
    }
  });

  it('describes itself for programs and people', async () => {
    const { ask, ann } = place();
    const spec = (await ask(ann, '/openapi.json')).json() as {
      readonly openapi: string;
      readonly paths: Readonly<Record<string, object>>;
    };
    expect(spec.openapi).toBe('3.1.0');
    expect(Object.keys(spec.paths)).toEqual(
      expect.arrayContaining(['/user/job/{id}', '/v1/jobs', '/v1/blobs/{sha256}']),
    );
    const page = await ask(ann, '/docs');
    expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
    for (const path of Object.keys(spec.paths)) expect(page.text).toContain(`<td>${path}</td>`);
    expect(page.text).not.toMatch(/https?:\/\//);
  });
});
