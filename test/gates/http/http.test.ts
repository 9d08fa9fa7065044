import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Failed, Malformed } from '../../../src/protocol/errors.ts';
import { makePki } from '../../platform/pki.ts';
import { orderOf } from '../../ports/gate.suite.ts';
import { failureOf, says, worldOfEach } from './each-world.ts';
import type { Asked, Mischief } from './gate-service.ts';

const { signal } = new AbortController();
const { world, opened, asked } = worldOfEach();

describe('what is asked', () => {
  it('has the order in headers and the credential in the body', async () => {
    const gate = await opened({}, { containerImage: 'busybox', ports: [22, 8443] });
    const order = orderOf({ nodes: ['main', 'second'], owner: 'Zoë' });
    await gate.create(order, signal);
    const [post] = asked('POST');
    expect(post).toMatchObject({ path: '/azure/partitions', peer: 'head-1' });
    expect(post?.headers).toMatchObject({
      accept: 'application/json',
      osversion: 'host',
      containerimage: 'busybox',
      flavorname: 'tiny',
      username: 'Zoë',
      count: '2',
      jobid: order.job,
      partname: order.name,
      runtime: 'swm_source=ssh',
      location: 'here',
      ports: '22,8443',
    });
    const { pem_data: pem } = post!.body as { pem_data: string };
    expect(pem).not.toContain(world().credentials.key.trim());
    expect(pem).not.toContain('token-of');
    expect(new Set(world().service.asked.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  });

  it('counts only the further nodes for a service that means those', async () => {
    const gate = await opened({ count: 'extra' });
    const order = orderOf({ nodes: ['main', 'second', 'third'] });
    await gate.create(order, signal);
    expect(asked('POST')[0]?.headers['count']).toBe('2');
    const found = await gate.find(order.name, signal);
    expect(Object.keys(found?.addresses ?? {})).toEqual(order.nodes);
  });

  it('never has what a header cannot carry', async () => {
    const gate = await opened();
    for (const owner of ['ada\r\nx: y', 'ada\n', 'Łukasz', 'a\u0000']) {
      const failure = await failureOf(gate.create(orderOf({ owner }), signal));
      expect(failure).toMatchObject({ code: 'impossible', retry: false });
    }
    expect(asked('POST')).toEqual([]);
  });

  it('is not more nodes than a service takes that counts all', async () => {
    const gate = await opened({ cpus: 100 }, { cpus: 100 });
    const nodes = Array.from({ length: 33 }, (_, at) => `n${at}`);
    expect((await failureOf(gate.create(orderOf({ nodes }), signal))).code).toBe('impossible');
  });

  it('removes by the id as it is, and is sure of it by the name', async () => {
    const gate = await opened({ removeMs: 20 });
    const { name, externalId } = await gate.create(orderOf(), signal);
    expect(externalId).toBe(`/subscriptions/s-1/resourceGroups/${name}-resource-group`);
    await Promise.all([gate.remove(externalId, signal), gate.remove(externalId, signal)]);
    expect(asked('DELETE').map(({ path }) => path)).toEqual(
      Array(2).fill(`/azure/partitions/${externalId}`),
    );
    expect(asked('DELETE')[0]?.path).toContain('/azure/partitions//subscriptions/');
    const anew = await world().openWith({}, join(world().folder, 'another'));
    await anew.remove(externalId, signal);
  });

  it.each(['../../x', '/a/./b', 'a b', '/a?b', '/a#b'])('is no path that %s is in', async (id) => {
    const gate = await opened();
    expect((await failureOf(gate.remove(id, signal))).code).toBe('impossible');
    expect(world().service.asked).toEqual([]);
  });
});

describe('an answer', () => {
  it.each([
    ['azure', 2 ** 29],
    ['openstack', 2 ** 29],
  ] as const)('of %s tells sizes in its own unit', async (provider, memoryBytes) => {
    const gate = await opened({ provider });
    const [tiny, , large] = await gate.flavors(signal);
    expect(tiny?.resources).toEqual({ cpus: 1, memoryBytes, gpus: 0 });
    expect(tiny?.storageBytes).toBe(10_240 * 2 ** 20);
    expect(large?.resources.gpus).toBe(1);
    expect(large?.price).toBe(0.24);
  });

  it.each([
    [null, 'creating'],
    ['Creating', 'creating'],
    ['updating', 'updating'],
    ['unknown', 'updating'],
    ['failed', 'failed'],
    ['deleting', 'deleting'],
    ['deleted', undefined],
  ])('of status %s is %s', async (status, seen) => {
    const gate = await opened();
    const order = orderOf();
    const id = `/subscriptions/s-1/resourceGroups/${order.name}-resource-group`;
    const description = status === 'failed' ? 'Allocation failed.' : null;
    const body = { id, name: `${order.name}-resource-group`, status, description };
    world().service.mischief = () => says(200, body);
    const found = await gate.find(order.name, signal);
    expect(found?.status).toBe(seen);
    expect(found?.description ?? '').toBe(seen === undefined ? '' : (description ?? ''));
  });

  it.each([
    ['public', '20.0.1.1'],
    ['private', '10.0.1.1'],
  ])('has the %s address of the main node', async (addresses, main) => {
    const gate = await opened({}, { addresses });
    const order = orderOf({ nodes: ['main', 'second'] });
    expect((await gate.create(order, signal)).addresses).toEqual({ main, second: '10.0.1.2' });
    const another = await world().openWith({ addresses }, join(world().folder, 'another'));
    const seen = { [`${order.name}-0`]: main, [`${order.name}-1`]: '10.0.1.2' };
    expect((await another.find(order.name, signal))?.addresses).toEqual(seen);
  });

  it('that calls a machine ready which has no address is not believed', async () => {
    const gate = await opened({ count: 'extra' }, { count: 'all' });
    world().service.mischief = (one) =>
      one.method === 'POST'
        ? says(200, { partition: { id: 'x', name: one.headers['partname'], status: 'succeeded' } })
        : undefined;
    expect((await gate.create(orderOf(), signal)).status).toBe('creating');
  });

  const trace = ['Traceback (most recent call last):\n', '  File "a.py", line 1\n', '    make()\n'];
  const secret = '-----BEGIN PRIVATE KEY-----\\nMII\\n-----END PRIVATE KEY-----';
  const forms: readonly (readonly [string, Mischief, string, RegExp])[] = [
    ['text', says(200, { error: 'No tenant ID' }), 'site_error', /^No tenant ID$/],
    ['lines', says(200, { error: ['One\n', 'two\n'] }), 'site_error', /^One two$/],
    [
      'a traceback',
      says(200, { error: [...trace, 'Oops: (QuotaExceeded) Too many\nCode: QuotaExceeded\n'] }),
      'quota',
      /^Oops: \(QuotaExceeded\) Too many Code: QuotaExceeded$/,
    ],
    ['an empty text', says(200, { error: '' }), 'site_error', /does not say/],
    [
      'with no partition',
      says(200, { error: 'Cannot', partition: null }),
      'site_error',
      /^Cannot$/,
    ],
    ['with a partition', says(200, { error: 'SkuNotAvailable', partition: {} }), 'capacity', /Sku/],
    ['500 as text', says(500, 'Internal Server Error'), 'site_error', /500: Internal Server Error/],
    ['500 with details', says(500, { detail: 'Cannot get' }), 'site_error', /500: Cannot get/],
    ['403', says(403, { detail: 'No' }), 'forbidden', /403: No/],
    ['429', says(429, ''), 'busy', /429/],
    ['404', says(404, { detail: 'Not Found' }), 'site_error', /404: Not Found/],
    [
      '422',
      says(422, { detail: [{ loc: ['header', 'count'], msg: 'is missing', input: secret }] }),
      'refused',
      /422: header\.count: is missing$/,
    ],
    ['a key', says(500, secret), 'site_error', /500: \[PEM\]$/],
    ['no JSON', says(200, '<html>'), 'site_error', /JSON/],
    ['no flavors', says(200, { flavors: [{ name: 'x' }] }), 'site_error', /\$\.flavors\.0/],
    ['cut', { is: 'cut' }, 'timeout', /did not answer/],
  ];
  it.each(forms)('that is a failure, by %s, is told as one', async (_, mischief, code, text) => {
    const gate = await opened();
    world().service.mischief = () => mischief;
    const failure = await failureOf(gate.flavors(signal));
    expect(failure.code).toBe(code);
    expect(failure.text).toMatch(text);
  });

  it('that sends us to the same place with a slash is followed, once', async () => {
    const gate = await opened({ slashes: true });
    expect(await gate.images(signal)).toEqual([{ name: 'host', kind: 'cloud' }]);
    expect(asked('GET').map(({ path }) => path)).toEqual(['/azure/images', '/azure/images/']);
    const again = (one: Asked) => says(307, '', { location: `${one.path}/` });
    world().service.mischief = again;
    expect((await failureOf(gate.images(signal))).text).toMatch(/307/);
    expect(asked('GET')).toHaveLength(4);
  });

  it.each([
    'https://elsewhere.example:8444/azure/images/',
    'http://127.0.0.1/azure/images/',
    '//elsewhere.example/azure/images/',
    '/azure/flavors/',
    '',
  ])('that sends us to %j is not followed', async (location) => {
    const gate = await opened();
    world().service.mischief = () => says(307, '', { location });
    expect((await failureOf(gate.images(signal))).code).toBe('site_error');
    expect(world().service.asked).toHaveLength(1);
  });
});

describe('a site', () => {
  const refused = async (settings: object): Promise<string> => {
    const error = await world()
      .openWith(settings)
      .catch((why: unknown) => why);
    if (error instanceof Malformed || error instanceof Failed) return error.message;
    throw new Error(`it was opened: ${String(error)}`);
  };

  it('is refused with the place of what does not fit', async () => {
    await opened();
    expect(await refused({ provider: 'aws' })).toMatch(/^\$\.remotes\.cloud\.provider: /);
    expect(await refused({ sever: 'x' })).toMatch(/\.sever: is unknown; as in server\?/);
    expect(await refused({ location: '' })).toMatch(/\.location: is needed/);
    expect(await refused({ credential: 'cloud.pem' })).toMatch(/\.credential: /);
    expect(await refused({ ports: [] })).toMatch(/\.ports: /);
    expect(await refused({ runtime: { a: 'b,c=d' } })).toMatch(/\.runtime\.a: /);
  });

  it('needs a credential that is its own, and hidden from others', async () => {
    await opened();
    const file = join(world().folder, 'other.pem');
    const { key, shown } = world().credentials;
    const write = (text: string) => writeFile(file, text, { mode: 0o600 });
    expect(await refused({ credential: '/none.pem' })).toMatch(/\/none\.pem: ENOENT/);
    await write(key + shown);
    expect(await refused({ credential: file })).toMatch(/key of this node/);
    await write(key);
    expect(await refused({ credential: file })).toMatch(/a private key and a certificate/);
    const other = await (await makePki()).user('cloud');
    await write(key + other.shown);
    expect(await refused({ credential: file })).toMatch(/do not belong together/);
    await write(other.key + other.shown);
    await chmod(file, 0o640);
    expect(await refused({ credential: file })).toMatch(/read by others: `chmod 600/);
  });

  it('is believed only if the authority that it is configured with signed for it', async () => {
    await opened();
    const file = join(world().folder, 'ca.pem');
    await writeFile(file, (await makePki()).chain);
    const gate = await world().openWith({ authority: file });
    expect((await failureOf(gate.list(signal))).code).toBe('unreachable');
    expect(world().service.asked).toEqual([]);
  });
});
