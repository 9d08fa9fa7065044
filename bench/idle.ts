import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { rssOf, startDaemon } from './daemon.ts';
import { checkedOut, install } from './installed.ts';
import { type Measures, run } from './rounds.ts';

/** Resident memory of a node that was started again and has nothing to do. */
const SETTLED_MS = 5_000;
/** What such a node has loaded; what makes keys is loaded by its first start alone. */
const PACKAGES = [
  'commander',
  'lmdb',
  'msgpackr',
  'nact',
  'pino',
  'typebox',
  'typebox/compile',
  'ws',
  'yaml',
];
const MIB = 2 ** 20;

const installed = install();

async function node(swm: string): Promise<number> {
  const daemon = await startDaemon(swm);
  try {
    await sleep(SETTLED_MS);
    return (await daemon.rssBytes()) / MIB;
  } finally {
    await daemon.close();
  }
}

async function bare(): Promise<number> {
  const text = `${PACKAGES.map((name) => `await import('${name}');`).join('')}
    process.stdout.write('ready'); setInterval(() => {}, 60_000);`;
  const args = ['--input-type=module', '-e', text];
  const cwd = join(import.meta.dirname, '..');
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(child.stdout, 'data');
    await sleep(SETTLED_MS);
    return (await rssOf(child.pid ?? 0)) / MIB;
  } finally {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}

const both = (each: number): Measures => ({ installed: each, checkout: each });

try {
  await run({
    name: 'idle',
    units: { installed: 'MiB', checkout: 'MiB' },
    setup:
      `resident memory after ${SETTLED_MS} ms; Node with ${PACKAGES.join(', ')} imported from ` +
      'node_modules, beside `swm dev` as it is shipped, and from its sources, whose types Node ' +
      'strips',
    ours: {
      name: 'swm dev',
      run: async () => ({
        installed: await node(installed.swm),
        checkout: await node(checkedOut),
      }),
    },
    beside: { name: 'its packages alone', run: async () => both(await bare()) },
  });
} finally {
  installed.remove();
}
