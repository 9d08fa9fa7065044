import { describe, expect, it } from 'vitest';
import { limits } from '../../src/protocol/limits.ts';
import type { JobRow } from '../../src/protocol/model.ts';
import { jobsOf } from '../chaos/lists.ts';
import { heads, logOf, submit, untilJob } from './heads.ts';
import { until } from './lab.ts';
import { isEnded } from './waiter.ts';

/** Of a job that waits for more than is free, with as much script as a record holds. */
const CPUS = 4;
const BYTES = limits.scriptInlineBytesMax - 100;
const big = `#!/bin/sh\n#SWM cpus ${CPUS}\n: ${'x'.repeat(BYTES)}\n`;
const IN_FLIGHT = 32;

describe('a head that was away', { timeout: 120_000 }, () => {
  it('for longer than the log is kept takes a snapshot, and has all again', async () => {
    const group = await heads({ workers: 1, cpus: CPUS });
    const leader = await group.leader();
    const late = group.heads.find((head) => head !== leader)!;
    const client = group.client();
    const said = await submit(client, '#!/bin/sh\necho said\n');
    await untilJob(client, said, isEnded);
    await submit(client, `#!/bin/sh\n#SWM cpus ${CPUS}\nsleep 600\n`);
    await late.signal('SIGKILL');
    const from = late.log.length;
    // As much as is kept for heads that lag, and a tenth more.
    let left = Math.ceil((1.1 * limits.raftTailBytesMax) / BYTES);
    const lane = async (): Promise<void> => {
      while (left-- > 0) await submit(client, big);
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
    await late.start();
    await until(() => late.log.slice(from).includes('installed a snapshot'), 40);
    await group.leader();
    const all = await jobsOf(client);
    const alone = group.client([late]);
    await until(async () => (await jobsOf(alone, true)).length === all.length);
    // Why they wait is the word of whoever leads, and is not kept.
    const kept = (jobs: readonly JobRow[]) => jobs.map(({ details: _, ...job }) => job);
    expect(kept(await jobsOf(alone, true))).toEqual(kept(all));
    expect((await group.status(late)).snapshotAt).toBeGreaterThan(0);
    const { job } = await alone.call('job.show', { id: all.at(-1)!.id });
    expect(job.script).toBe(big);
    expect(await logOf(alone, said)).toBe('said\n');
    // It counts: with it and without one of the others, work goes on.
    await leader.signal('SIGKILL');
    await submit(group.client(group.heads.filter((head) => head !== leader)), big);
  });
});
