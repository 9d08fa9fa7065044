import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { AttemptKey } from '../../src/actors/ports.ts';
import type { Sample } from '../../src/actors/ways.ts';
import { gpuTable } from '../../src/platform/gpu-table.ts';
import { openMeter } from '../../src/platform/process/meter.ts';
import type { LocalProcesses } from '../../src/platform/process/processes.ts';
import { open, someKey } from '../ports/processes.suite.ts';
import { RealPlace } from './process-place.ts';

const MIB = 1 << 20;
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

describe.each([
  ['by its cgroups', true],
  ['by its processes', false],
])('an attempt is measured %s', (_, cgroups) => {
  /** Runs it, and gives what was told of it so far. */
  async function measured(text: string, gpus?: ReturnType<typeof gpuTable>) {
    const place = new RealPlace({ cgroups });
    cleanups.push(() => place.clear());
    const processes = (await place.open()) as LocalProcesses;
    const key: AttemptKey = someKey();
    const { pid } = await processes.ensure(place.script(key, text));
    const samples: Sample[] = [];
    const meter = openMeter({
      membership: (of) => processes.membership(of),
      gpus,
      msMin: 50,
      msMax: 200,
    });
    const stop = meter.watch(key, (sample) => void samples.push(sample));
    cleanups.push(stop);
    return { samples, stop, processes, key, pid };
  }
  const most = (samples: readonly Sample[], what: 'cpuPercent' | 'memBytes'): number =>
    Math.max(0, ...samples.map((sample) => sample[what] ?? 0));

  it('with all that it has started', async () => {
    const [eats, burns] = [`my $x = q(x) x ${64 * MIB}; sleep 60`, '1 while 1'];
    const { samples } = await measured(
      `#!/bin/sh\n(perl -e '${eats}') &\n(perl -e '${burns}') &\nsleep 60\n`,
    );
    await expect.poll(() => most(samples, 'cpuPercent'), { timeout: 10_000 }).toBeGreaterThan(5);
    await expect
      .poll(() => most(samples, 'memBytes'), { timeout: 10_000 })
      .toBeGreaterThan(64 * MIB);
    expect(most(samples, 'memBytes')).toBeLessThan(256 * MIB);
    for (const sample of samples)
      expect(sample).toMatchObject({ gpuUtilPercent: null, gpuMemBytes: null });
  });

  it('and nothing besides, until it ends or nobody asks', async () => {
    const { samples, processes, key } = await measured('#!/bin/sh\nexec sleep 60\n');
    const other = await measured("#!/usr/bin/perl\nmy $x = 'x' x 200_000_000; 1 while 1\n");
    await expect.poll(() => samples.length, { timeout: 10_000 }).toBeGreaterThan(4);
    expect(most(samples, 'cpuPercent')).toBeLessThan(5);
    expect(most(samples, 'memBytes')).toBeLessThan(64 * MIB);
    other.stop();
    const seen = other.samples.length;
    await processes.stop(key, 0);
    await processes.exited(key, open);
    const last = samples.length;
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect([other.samples.length, samples.length]).toEqual([seen, last]);
  });

  it('with the graphics processors that its processes use', async () => {
    let table: ReturnType<typeof gpuTable> | undefined;
    const folder = await mkdtemp(join(tmpdir(), 'swm-gpu-'));
    cleanups.push(() => rm(folder, { recursive: true }));
    const { samples, pid } = await measured('#!/bin/sh\nexec sleep 60\n', () =>
      table === undefined ? null : table(),
    );
    const command = join(folder, 'nvidia-smi');
    await writeFile(
      command,
      [
        '#!/bin/sh',
        'case $1 in',
        '*query-gpu*) printf "GPU-a, 80\\nGPU-b, 40\\nGPU-c, [N/A]\\n";;',
        `*) printf "${pid}, GPU-a, 100\\n${pid}, GPU-b, 28\\n1, GPU-c, 500\\n";;`,
        'esac',
      ].join('\n'),
    );
    await chmod(command, 0o755);
    table = gpuTable(command);
    await expect
      .poll(() => samples.at(-1), { timeout: 10_000 })
      .toMatchObject({ gpuUtilPercent: 60, gpuMemBytes: 128 * MIB });
  });
});

it('graphics processors of which nothing is told are unknown, not idle', async () => {
  const none = gpuTable('/no/such/nvidia-smi');
  expect(none()).toBeNull();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(none()).toBeNull();
});
