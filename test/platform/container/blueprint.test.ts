import { expect, it } from 'vitest';
import type { ProcessOrder } from '../../../src/actors/ports.ts';
import { blueprint } from '../../../src/platform/container/blueprint.ts';
import type { OwnNetwork } from '../../../src/platform/container/network.ts';

const order: ProcessOrder = {
  key: { job: 'j', attempt: 1, rank: 0 },
  directory: '/s/j/work',
  script: '/s/j/script',
  env: {},
  stdin: '',
  stdout: '/s/j/out',
  stderr: '/s/j/err',
  user: '',
  limits: { cpus: 1, memoryBytes: 0, gpus: 0 },
  image: 'busybox',
};
const facts = { name: 'n', labels: {}, marks: {}, uid: 1, gid: 1, groups: [], claim: '/c' };
const targets = (folders?: readonly string[]): unknown =>
  blueprint({ ...order, ...(folders && { folders }) }, facts).HostConfig?.Mounts?.map(
    ({ Source, Target }) => (Source === Target ? Target : `${Source} at ${Target}`),
  );

it('shows a container the files of its attempt, and the folders that it may have', () => {
  const own = ['/s/j', '/s/j/script', '/c at /.swm'];
  expect(targets()).toEqual(own);
  expect(targets(['/mnt/swm/data'])).toEqual([...own, '/mnt/swm/data']);
});

it('gives a container the network of the machine, or one of its own with some ports', () => {
  const of = (network?: OwnNetwork) => {
    const { ExposedPorts, HostConfig } = blueprint(order, {
      ...facts,
      ...(network && { network }),
    });
    const { NetworkMode, PortBindings } = HostConfig ?? {};
    return {
      NetworkMode,
      ...(ExposedPorts && { ExposedPorts }),
      ...(PortBindings && { PortBindings }),
    };
  };
  expect(of()).toEqual({ NetworkMode: 'host' });
  expect(of({ name: 'swm-1', address: '10.0.0.2', ports: [80, 8080] })).toEqual({
    NetworkMode: 'swm-1',
    ExposedPorts: { '80/tcp': {}, '8080/tcp': {} },
    PortBindings: {
      '80/tcp': [{ HostIp: '10.0.0.2', HostPort: '80' }],
      '8080/tcp': [{ HostIp: '10.0.0.2', HostPort: '8080' }],
    },
  });
});
