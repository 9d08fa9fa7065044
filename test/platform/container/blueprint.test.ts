import { expect, it } from 'vitest';
import type { ProcessOrder } from '../../../src/actors/ports.ts';
import { blueprint } from '../../../src/platform/container/blueprint.ts';

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
