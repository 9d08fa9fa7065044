/**
 * A worker in a process of its own, to be killed: opens the processes of a directory, orders what
 * each line of stdin holds, and prints `open`, then the pid of each start or why there is none.
 * With `leaseMs` it has a lease before it starts; `renew` only renews that of a key.
 */
import { createInterface } from 'node:readline';
import type { AttemptKey, ProcessOrder } from '../../src/actors/ports.ts';
import { openProcesses } from '../../src/platform/process/processes.ts';

const [directory = '', machine = '', launcher = 'either'] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const processes = await openProcesses({
  directory,
  jobsUser: 'nobody',
  slots: 1,
  mark: { SWM_MACHINE: machine },
  note: () => {},
  launcher: launcher === 'perl' || launcher === 'node' ? launcher : 'either',
});
type Line = ProcessOrder & { readonly renew?: AttemptKey; readonly leaseMs?: number };

async function answer({ renew, leaseMs = 0, ...order }: Line): Promise<string> {
  if (leaseMs > 0) await processes.renew(renew ?? order.key, processes.bootMs() + leaseMs);
  return renew === undefined ? `pid ${(await processes.ensure(order)).pid}` : 'renewed';
}

say('open');
createInterface({ input: process.stdin }).on('line', (line) => {
  answer(JSON.parse(line)).then(say, (error) => say(`failed ${error}`));
});
