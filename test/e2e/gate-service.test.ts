import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { issue, makeKey } from '../../src/platform/certificates.ts';
import { type Credentials, readCredentials } from '../../src/platform/credentials.ts';
import { keyPlaces, readPem } from '../../src/platform/key-files.ts';
import { type Asked, GateService } from '../gates/http/gate-service.ts';
import { switchOff } from '../gates/http/switch-off.ts';
import { leftIn } from '../gates/ssh-world.ts';
import { makePki } from '../platform/pki.ts';
import { makeHost } from '../sshd/sshd.ts';
import { cleanup, dev, file, folder, forAll, swm, until } from './lab.ts';
import { isEnded, logOf, pidOf, waiter } from './waiter.ts';

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

/** A head whose only site is a gate service, with one machine behind it that is reached by SSH. */
async function cloud() {
  const home = await folder();
  const spool = join(home, 'spool');
  const made = await swm(['init', '--spool', spool, '--address', '127.0.0.1']);
  expect(made.code, made.stderr).toBe(0);
  const host = await makeHost();
  cleanup(() => host.close());
  await host.start();
  const service = new GateService({
    ...{ provider: 'azure', slashes: true, removeMs: 100, address: host.address },
    credentials: await serviceKeys(spool),
    onGone: (name) => switchOff(host.directory, name),
  });
  cleanup(() => service.close());
  const { key, shown } = await (await makePki()).user('cloud');
  const remote = {
    ...{ name: 'cloud', kind: 'http', server: '127.0.0.1', provider: 'azure', location: 'here' },
    port: await service.listen(),
    credential: await file(join(home, 'cloud.pem'), key + shown, 0o600),
    flavor: 'tiny',
    ssh: { user: host.user, port: host.port, key: host.key, directory: host.directory },
  };
  // Nobody can dial it where it says that it is: there are its tunnels alone.
  const given = { remotes: [remote], mesh: { advertise: ['127.0.0.1:9'] } };
  const config = await file(join(home, 'swm.yaml'), JSON.stringify(given));
  const start = () => dev(spool, ['--config', config]);
  return { home, host, service, start, node: await start() };
}

describe('a gate service', { timeout: 120_000 }, () => {
  const place = forAll(cloud);

  it('says in its own words why there is no cluster', async () => {
    const { node, service } = place();
    const description = 'Allocation failed in zone 2.';
    service.mischief = ({ method, path }) => {
      const name = path.split('/').at(-1)!;
      if (method !== 'GET' || !service.cloud.partitions.has(name)) return undefined;
      const id = `/subscriptions/s-1/resourceGroups/${name}-resource-group`;
      return { is: 'says', status: 200, body: { id, name, status: 'failed', description } };
    };
    await until(async () => (await node.client.call('flavor.list', {})).flavors.length === 3);
    const id = await node.submit('#!/bin/sh\n#SWM flavor tiny\necho never\n');
    await node.until(id, ({ details }) => details.includes(description));
    await node.run('cancel', id);
    await node.until(id, isEnded);
    expect([...service.cloud.partitions.keys()]).toEqual([]);
    expect(service.wrongs).toEqual([]);
    service.mischief = () => undefined;
  });

  it('makes a cluster for a job that goes on without its head, and removes it', async () => {
    const { home, host, node, service, start } = place();
    const wait = await waiter(home, 'flavor tiny');
    const id = await node.submit(wait.script);
    const name = `swm-${id.slice(0, 8)}`;
    await node.until(id, ({ phase }) => phase === 'running', 90);
    await pidOf(node, id);
    expect([...service.cloud.partitions.keys()]).toEqual([name]);
    const isOrder = ({ headers }: Asked): boolean => headers['partname'] === name;
    expect(service.asked.filter(isOrder)).toMatchObject([
      { headers: { jobid: id, osversion: 'host', count: '1', flavorname: 'tiny' } },
    ]);

    await node.kill('SIGKILL');
    const again = await start();
    await wait.go();
    const ended = await again.until(id, isEnded, 60);
    expect(ended).toMatchObject({ state: 'F', exitcode: 3, attempt: 1 });
    expect(await logOf(again, id)).toMatch(/^begin \d+\nend \d+\n$/);
    expect(await wait.starts()).toBe(1);
    expect([...service.cloud.partitions.keys()]).toEqual([]);
    expect(leftIn(host.directory)).toEqual([]);
    expect(service.asked.filter(isOrder)).toHaveLength(1);
    expect(service.wrongs).toEqual([]);
    const said = JSON.stringify(service.asked);
    const own = (await readPem(keyPlaces(node.spool).node.key)) as string;
    expect(said).not.toContain(JSON.stringify(own.trim()).slice(1, -1));
    expect(`${node.log()}${again.log()}`).not.toContain('PRIVATE KEY');
  });
});
