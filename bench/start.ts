import { spawnSync } from 'node:child_process';
import { startDaemon } from './daemon.ts';
import { checkedOut, install } from './installed.ts';
import { median, run } from './rounds.ts';

/** From a command to its answer: `swm jobs` on the machine of the node, which has one job. */
const STARTS = 9;

const installed = install();
const daemon = await startDaemon(installed.swm);

function started(command: string, args: readonly string[], wanted: string): number {
  const times = Array.from({ length: STARTS }, () => {
    const from = performance.now();
    const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
    const took = performance.now() - from;
    if (status !== 0 || !stdout.includes(wanted))
      throw new Error(`${command} ended with ${status}`);
    return took;
  });
  return median(times);
}

try {
  const { id } = await daemon.client.call('job.submit', {
    script: '#!/bin/sh\nexit 0\n',
    inputs: [],
    key: 'one',
  });
  const jobs = (swm: string): number =>
    started(swm, ['jobs', '--spool', daemon.spool], id.slice(0, 8));
  await run({
    name: 'start',
    units: { installed: 'ms', checkout: 'ms' },
    setup:
      `medians of ${STARTS} starts; \`node -e 0\` of the same Node, beside \`swm jobs\` as it is ` +
      'shipped, and from its sources; both with the compile cache that bin/swm sets',
    ours: {
      name: 'swm jobs',
      run: () => ({ installed: jobs(installed.swm), checkout: jobs(checkedOut) }),
    },
    beside: {
      name: 'node -e 0',
      run: () => {
        const took = started(process.execPath, ['-e', '0'], '');
        return { installed: took, checkout: took };
      },
    },
  });
} finally {
  await daemon.close();
  installed.remove();
}
