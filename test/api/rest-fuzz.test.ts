import fc from 'fast-check';
import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { describe, expect, it } from 'vitest';
import { forAll } from '../e2e/lab.ts';
import { isEnded } from '../e2e/waiter.ts';
import { type Answer, type Asked, restPlace } from './rest-place.ts';

type Media = Readonly<Record<string, { readonly schema: TSchema }>>;
type Operation = {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<Record<string, { readonly content?: Media }>>;
};
type Route = { readonly path: string; readonly method: string; readonly operation: Operation };

const place = forAll(async () => {
  const made = await restPlace(['--set', 'jobs.relocate=asked']);
  const script = '#!/bin/sh\n#SWM output-files out\necho well\necho out > out\n';
  const { text: id } = await made.ask(made.ann, '/user/job', { method: 'POST', body: script });
  await made.node.until(id, isEnded);
  const spec = (await made.ask(made.ann, '/openapi.json')).json() as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  const routes = Object.entries(spec.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(
      ([method, operation]): Route => ({ path, method: method.toUpperCase(), operation }),
    ),
  );
  return { ...made, id, routes };
});

const words = fc.oneof(
  fc.constantFrom('', 'out', '..', '../..', '%', '\u0000', 'true', '-1', '0', '1', '99999999999'),
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constant('x'.repeat(500)),
);

const bodies: fc.Arbitrary<string | Uint8Array> = fc.oneof(
  fc.json(),
  fc
    .record({ script: words, name: words, to: words, key: words }, { requiredKeys: [] })
    .map((value) => JSON.stringify(value)),
  fc.string(),
  fc.uint8Array({ maxLength: 2_000 }),
  fc.constant('--x\r\nContent-Disposition: form-data; name="script_content"\r\n\r\n#\r\n--x--\r\n'),
);

const types = fc.constantFrom(
  ...[
    'application/json',
    'text/plain',
    'multipart/form-data; boundary=x',
    'x',
    'multipart/form-data',
  ],
);
const ranges = fc.constantFrom(
  'bytes=0-0',
  'bytes=-1',
  'bytes=9-',
  'bytes 0-0/1',
  'bytes */5',
  'x',
);

/** What is asked of a route: what it has places for is filled with anything, and more is added. */
const wishes = fc.record({
  at: fc.nat(),
  own: fc.boolean(),
  params: fc.array(
    words.filter((word) => word !== ''),
    { minLength: 2, maxLength: 2 },
  ),
  query: fc.dictionary(fc.constantFrom('limit', 'after', 'states', 'since', 'offset', 'x'), words, {
    maxKeys: 2,
  }),
  hasQuery: fc.boolean(),
  body: bodies,
  type: types,
  range: fc.option(ranges, { nil: undefined }),
});
type Wish = typeof wishes extends fc.Arbitrary<infer T> ? T : never;

function asked({ at, own, params, query, hasQuery, body, type, range }: Wish) {
  const { routes, id } = place();
  const route = routes[at % routes.length] as Route;
  let next = 0;
  const url = route.path.replaceAll(/\{(.*?)\}/g, (_, name: string) =>
    name === 'id' && own ? id : encodeURIComponent(params[next++ % 2] ?? ''),
  );
  const search = hasQuery ? `?${new URLSearchParams(query)}` : '';
  const hasBody = route.method !== 'GET' && route.method !== 'DELETE';
  const headers: Record<string, string> = {
    ...(hasBody && { 'content-type': type, 'content-length': String(Buffer.byteLength(body)) }),
    ...(range !== undefined && { range, 'content-range': range, modification: 'requeue' }),
  };
  const request: Asked = { method: route.method, headers, ...(hasBody && { body }) };
  return { route, path: url + search, request };
}

/** What is wrong with an answer, by the description of its route; '' if nothing is. */
function faultOf({ operation, path }: Route, answer: Answer): string {
  const { status, headers, text } = answer;
  if (status >= 500) return `${status}: ${text}`;
  const known =
    operation.responses[status] ?? (status >= 400 ? operation.responses['default'] : undefined);
  if (known === undefined) return `${status} is not described`;
  if (known.content === undefined) return text === '' ? '' : `${status} with a body`;
  const [type = ''] = String(headers['content-type']).split(';');
  // A path that is filled with nothing, or with more than it has room for, is another route.
  const isElsewhere = status === 404 && path.includes('{');
  const media = known.content[type];
  if (media === undefined) return isElsewhere ? '' : `${status} as ${type}`;
  if (!type.endsWith('json')) return '';
  const [fault] = Value.Errors(media.schema, JSON.parse(text) as unknown);
  return fault === undefined ? '' : `${status}: ${fault.instancePath} ${fault.message}: ${text}`;
}

describe('whatever is asked', { timeout: 120_000 }, () => {
  it('is answered as it is described, and never with a bug', async () => {
    const { ask, ann } = place();
    await fc.assert(
      fc.asyncProperty(wishes, async (wish) => {
        const { route, path, request } = asked(wish);
        const answer = await ask(ann, path, request);
        const fault = faultOf(route, answer).slice(0, 300);
        expect(`${request.method} ${path}: ${fault}`).toBe(`${request.method} ${path}: `);
      }),
      { numRuns: 150 },
    );
    expect(place().node.log()).not.toContain('met a bug');
    expect((await ask(ann, '/user')).status).toBe(200);
  });
});
