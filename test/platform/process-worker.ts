/**
 * A worker in a process of its own, to be killed: opens the processes of a directory, orders what
 * each line of stdin holds, and prints `open`, then the pid of each start or why there is none.
 */
import { createInterface } from 'node:readline';
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
say('open');
createInterface({ input: process.stdin }).on('line', (line) => {
  processes.ensure(JSON.parse(line)).then(
    ({ pid }) => say(`pid ${pid}`),
    (error) => say(`failed ${error}`),
  );
});
