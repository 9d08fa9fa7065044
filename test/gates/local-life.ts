import { openGate } from '../../src/gates/gates.ts';
import { idleWorker } from './local-world.ts';

/**
 * A head's use of a local gate in a process of its own, to be killed anywhere: makes or removes the
 * partition that the order on the command line tells of, and says when it has begun and ended.
 */
const [spool, what, text] = process.argv.slice(2) as [string, string, string];
const gate = await openGate('local', {
  remote: 'local',
  settings: {},
  spool,
  workerCommand: idleWorker,
  workerConfig: {},
  head: 'head-1',
  mesh: async () => ({ host: '127.0.0.1', port: 1 }),
  note: () => {},
  now: Date.now,
  dice: Math.random,
});
const { signal } = new AbortController();
process.stdout.write('begun\n');
if (what === 'create') await gate.create(JSON.parse(text), signal);
else await gate.remove(text, signal);
process.stdout.write('ended\n');
