import type { Group } from '../test/chaos/group.ts';
import { openGroup } from '../test/chaos/group.ts';
import { until } from '../test/chaos/until.ts';
import type { Hit, Peers } from './failover-rounds.ts';

/** Jobs that wait, since nobody has so many cores: only submitting is measured. */
const CPUS = 1;
const SCRIPT = `#!/bin/sh\n#SWM cpus ${CPUS}\n`;

/** A group with one worker, all of which is taken. */
export async function busyGroup(heads: number): Promise<Group> {
  const group = await openGroup({ isSwitched: true, heads, workers: 1, cpus: CPUS });
  const client = group.client();
  const busy = `${SCRIPT}sleep 86400\n`;
  const { id } = await client.call('job.submit', { script: busy, inputs: [] });
  await until(async () => (await client.call('job.show', { id })).job.phase === 'running');
  return group;
}

export const submitTo = (client: ReturnType<Group['client']>): Promise<unknown> =>
  client.call('job.submit', { script: `${SCRIPT}exit 0\n`, inputs: [] });

/** Three heads, hit one after the other; the write is a submit through a client of all. */
export async function openOurs(): Promise<Peers> {
  const group = await busyGroup(3);
  const client = group.client();
  return {
    name: 'swm',
    write: () => submitTo(client),
    async hit(how): Promise<Hit> {
      const leader = await group.leader();
      const others = [...group.heads, ...group.workers].filter((node) => node !== leader);
      if (how === 'kill') {
        await leader.signal('SIGKILL');
        return { heal: () => leader.start() };
      }
      if (how === 'stop') {
        await leader.signal('SIGSTOP');
        return { heal: () => leader.signal('SIGCONT') };
      }
      for (const { name } of others) {
        group.switchboard.cut(leader.name, name, 'dark');
        group.switchboard.cut(name, leader.name, 'dark');
      }
      return { heal: async () => group.switchboard.heal() };
    },
    settled: async () => void (await group.leader(60)),
    close: () => group.close(),
  };
}
