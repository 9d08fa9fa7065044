import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { MachineOrder, PartitionOrder } from '../../../src/actors/ports.ts';
import { cleanup, forAll } from '../../e2e/lab.ts';
import { orderOf } from '../../ports/gate.suite.ts';
import { makeHost, type SshHost } from '../../sshd/sshd.ts';
import { failureOf, worldOfEach } from './each-world.ts';

const { world, opened } = worldOfEach();

const machineOf = ({ name, nodes, bootstrap }: PartitionOrder, host: SshHost): MachineOrder => ({
  partition: name,
  node: nodes[0]!,
  address: host.address,
  bootstrap,
});

describe('a machine of a gate service', { timeout: 30_000 }, () => {
  const host = forAll(async () => {
    const made = await makeHost();
    cleanup(() => made.close());
    await made.start();
    return made;
  });
  const at = (hostKey?: string) => {
    const { user, port, key, directory } = host();
    // No archive that could be brought: here it is enough to have met the host.
    const archive = join(directory, 'none.tar.gz');
    return { ssh: { user, port, key, directory, archive, ...(hostKey && { hostKey }) } };
  };
  const known = async (): Promise<object> =>
    JSON.parse(
      await readFile(join(world().folder, 'spool/gates/cloud/known-hosts.json'), 'utf8'),
    ) as object;

  it('is believed when it is met, for as long as it lives', async () => {
    const gate = await opened({}, at());
    const order = orderOf();
    const { externalId } = await gate.create(order, new AbortController().signal);
    const steps: string[] = [];
    const attach = () =>
      gate.attach!(
        machineOf(order, host()),
        (step) => steps.push(step),
        AbortSignal.timeout(20_000),
      );
    expect((await failureOf(attach())).code).toBe('not_found');
    expect(steps[0]).toBe('Waiting for ssh provisioning port');
    expect(Object.keys(await known())).toEqual([
      expect.stringMatching(`^${order.name}/${order.name}-0/[0-9a-f]{12}$`),
    ]);
    host().changeHostKey();
    await host().stop();
    await host().start();
    expect((await failureOf(attach())).text).toMatch(/another key|host key/i);
    await gate.remove(externalId, new AbortController().signal);
    expect(await known()).toEqual({});
    // Its successor of the same name is another machine.
    await gate.create(order, new AbortController().signal);
    expect((await failureOf(attach())).code).toBe('not_found');
  });

  it('must show the key that its image has, if that is told', async () => {
    const gate = await opened({}, at(`SHA256:${'A'.repeat(43)}`));
    const work = gate.attach!(machineOf(orderOf(), host()), () => {}, AbortSignal.timeout(20_000));
    expect(await failureOf(work)).toMatchObject({ retry: false });
  });

  it('is none whose name could be something else', async () => {
    const gate = await opened({}, at());
    const order = { ...machineOf(orderOf(), host()), node: '../x' };
    const work = gate.attach!(order, () => {}, AbortSignal.timeout(20_000));
    expect((await failureOf(work)).code).toBe('impossible');
  });
});
