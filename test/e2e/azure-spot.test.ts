import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openFake } from '../azure/fake-azure.ts';
import { calm } from '../azure/manners.ts';
import { directoryOf, freePort, realMachines } from '../azure/real-machines.ts';
import { cleanup, dev, file, folder, until } from './lab.ts';

const home = join(import.meta.dirname, '..', '..');

/** Counts for ever, until it is told to save itself; then it says elsewhere how far it was. */
const script = `#!/bin/sh
#SWM checkpoint
#SWM flavor small
n=0
[ -e "$SWM_CHECKPOINT_DIR/count" ] && n=$(cat "$SWM_CHECKPOINT_DIR/count")
echo "attempt $SWM_ATTEMPT from $n"
save() { echo $n >"$SWM_CHECKPOINT_DIR/count"; : >"$SWM_CHECKPOINT_DIR/.done"; }
trap save USR1
while [ "$SWM_RESTART" = 0 ]; do n=$((n + 1)); sleep 0.1; done
`;

/** Machines of their own need root, as all of CI has. */
describe.runIf(process.getuid?.() === 0)('a spot machine at Azure', { timeout: 120_000 }, () => {
  it('says that it is taken back, and its job goes on elsewhere from what it saved', async () => {
    const root = await folder();
    const program = `#!/bin/sh\nexec ${home}/bin/swm "$@"\n`;
    const machines = realMachines({ root, port: await freePort(), program });
    // Azure itself says nothing until the machine is off.
    const fake = await openFake({ ...calm(), bootMs: 50 }, machines);
    cleanup(() => fake.close());
    const remote = fake.settings({
      ...{ flavor: 'small', flavors: ['small'], network: '127.96.0.0/12', spot: true },
      worker: { directory: directoryOf(root) },
    });
    const config = await file(join(root, 'swm.yaml'), JSON.stringify({ remotes: [remote] }));
    const head = await dev(join(root, 'spool'), ['--config', config]);
    const id = await head.submit(script);
    const logOf = async (): Promise<string> => (await head.run('logs', id)).stdout;
    await head.until(id, ({ phase }) => phase === 'running', 60);
    await until(async () => (await logOf()).includes('attempt 1 from 0'));
    const machine = `swm-${id.slice(0, 8)}-0`;
    fake.announcements.troubles.push('error', 'garbage');
    fake.preempt(machine, 30_000);

    const ended = await head.until(id, ({ phase }) => phase === 'ended', 90);
    expect(ended).toMatchObject({ state: 'F', exitcode: 0, run: 1, attempt: 2 });
    expect(Number(/^attempt 2 from (\d+)$/m.exec(await logOf())?.[1])).toBeGreaterThan(0);
    const { job } = await head.client.call('job.show', { id });
    expect(job.timeline.map(({ what }) => what)).toContain(`the site takes node ${machine} back`);
    expect(job.checkpoint?.attempt).toBe(1);
    expect(fake.site.left()).toEqual([]);
  });
});
