/**
 * A process of its own that writes to the disk of a head as fast as it can: `DIRECTORY` appends
 * entries in a row, applies them a few later, and cuts the log behind; prints the last one that is
 * durable. `DIRECTORY SNAPSHOT` installs a snapshot, whose description is JSON.
 */
import { openReplicaDisk } from '../../../src/platform/replica/disk.ts';
import type { Snapshot } from '../../../src/platform/replica/ports.ts';
import { applied, entry } from '../../ports/replica-disk.suite.ts';

/** How far behind entries are applied, and how many of those stay in the log. */
const BEHIND = 5;
const TAIL = 20;
const UNDER_WAY = 8;

const [directory = '', snapshot] = process.argv.slice(2);
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const disk = await openReplicaDisk(directory, { self: 'a' });
say('open');
if (snapshot !== undefined) {
  await disk.install(JSON.parse(snapshot) as Snapshot);
  say('installed');
  await disk.close();
} else {
  let last = disk.kept.last;
  const write = (): void => {
    const index = ++last;
    const done = disk.kept.applied.index + 1;
    const apply = done <= index - BEHIND ? [applied(done, 1, `k${done}`)] : [];
    const cut = done - TAIL;
    const base =
      apply.length > 0 && cut > disk.kept.base.index ? { index: cut, term: 1 } : undefined;
    disk.write({ entries: [entry(index, 1)], apply, ...(base && { base }) }, (outcome) => {
      say(`${outcome} ${index}`);
      write();
    });
  };
  for (let n = 0; n < UNDER_WAY; n++) write();
}
