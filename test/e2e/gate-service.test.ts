import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { issue, makeKey } from '../../src/platform/certificates.ts';
import { type Credentials, readCredentials } from '../../src/platform/credentials.ts';
import { keyPlaces, readPem } from '../../src/platform/key-files.ts';
import { type Asked, GateService } from '../gates/http/gate-service.ts';
import { makePki } from '../platform/pki.ts';
import { cleanup, type Dev, dev, file, folder, forAll, swm, until } from './lab.ts';
import { isEnded } from './waiter.ts';

/** What a gate service shows, signed by the authority of that spool, as older installations do. */
async function serviceKeys(spool: string): Promise<Credentials> {
  const { cluster, chain: path } = keyPlaces(spool);
  const read = async (pem: string): Promise<string> => (await readPem(pem)) as string;
  const [authority, signer] = [await read(cluster.certificate), await read(cluster.key)];
  const key = makeKey();
  const subject = { kind: 'node', role: 'worker', name: 'gate', hosts: ['127.0.0.1'] } as const;
  const installation = '11111111-2222-4333-8444-555555555555';
  const signed = { key: signer, certificate: authority };
  const certificate = await issue(signed, key, { ...subject, installation });
  return readCredentials({ key, certificate, chain: await read(path) });
}

/** A head whose only site is a gate service. */
async function cloud(): Promise<{ readonly node: Dev; readonly service: GateService }> {
  const home = await folder();
  const spool = join(home, 'spool');
  const made = await swm(['init', '--spool', spool, '--address', '127.0.0.1']);
  expect(made.code, made.stderr).toBe(0);
  const credentials = await serviceKeys(spool);
  const service = new GateService({ provider: 'azure', credentials, slashes: true, removeMs: 100 });
  cleanup(() => service.close());
  const { key, shown } = await (await makePki()).user('cloud');
  const remote = {
    name: 'cloud',
    kind: 'http',
    server: '127.0.0.1',
    port: await service.listen(),
    provider: 'azure',
    location: 'here',
    credential: await file(join(home, 'cloud.pem'), key + shown, 0o600),
    flavor: 'tiny',
  };
  const config = await file(join(home, 'swm.yaml'), JSON.stringify({ remotes: [remote] }));
  return { node: await dev(spool, ['--config', config]), service };
}

const place = forAll(cloud);

const script = '#!/bin/sh\n#SWM flavor tiny\necho never\n';

describe('a gate service', { timeout: 60_000 }, () => {
  it('says in its own words why there is no cluster', async () => {
    const { node, service } = place();
    const description = 'Allocation failed in zone 2.';
    service.mischief = ({ method, path }) =>
      method === 'GET' && service.cloud.partitions.has(path.split('/').at(-1)!)
        ? {
            is: 'says',
            status: 200,
            body: { id: idOf(path), name: path.split('/').at(-1), status: 'failed', description },
          }
        : undefined;
    await until(async () => (await node.client.call('flavor.list', {})).flavors.length === 3);
    const id = await node.submit(script);
    await node.until(id, ({ details }) => details.includes(description));
    await node.run('cancel', id);
    await node.until(id, isEnded);
    expect([...service.cloud.partitions.keys()]).toEqual([]);
    expect(service.wrongs).toEqual([]);
    service.mischief = () => undefined;
  });

  it('makes a cluster for a job and removes it, over a restart, and is told no secret', async () => {
    const { node, service } = place();
    const id = await node.submit(script);
    const name = `swm-${id.slice(0, 8)}`;
    await node.until(id, ({ details }) => details.startsWith('Waiting for Sky Port port'));
    expect([...service.cloud.partitions.keys()]).toEqual([name]);
    const isOrder = ({ headers }: Asked): boolean => headers['partname'] === name;
    const posts = service.asked.filter(isOrder);
    expect(posts.map(({ headers }) => headers['jobid'])).toEqual([id]);
    expect(posts[0]?.headers).toMatchObject({ partname: name, osversion: 'host', count: '1' });

    await node.kill('SIGKILL');
    const again = await dev(node.spool, ['--config', join(node.spool, '..', 'swm.yaml')]);
    await again.run('cancel', id);
    expect(await again.until(id, isEnded)).toMatchObject({ state: 'C' });
    expect([...service.cloud.partitions.keys()]).toEqual([]);
    expect(service.asked.filter(isOrder)).toHaveLength(1);
    expect(service.wrongs).toEqual([]);
    const said = JSON.stringify(service.asked);
    const own = (await readPem(keyPlaces(node.spool).node.key)) as string;
    expect(said).not.toContain(JSON.stringify(own.trim()).slice(1, -1));
    expect(`${node.log()}${again.log()}`).not.toContain('PRIVATE KEY');
  });
});

const idOf = (path: string): string =>
  `/subscriptions/s-1/resourceGroups/${path.split('/').at(-1)}-resource-group`;
