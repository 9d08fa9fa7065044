import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { clearScript } from '../../../src/gates/bootstrap/scripts.ts';
import { leftIn } from '../ssh-world.ts';

/** Ends all that a machine runs and has, as a cloud does that deletes it. */
export function switchOff(directory: string, partition: string): void {
  for (const folder of leftIn(directory)) {
    const path = join(directory, folder);
    const mark = `${partition}/${partition}-0/${folder.replace('node-', '')}`;
    const attempts = createHash('sha256').update(join(path, 'spool/run/attempts')).digest('hex');
    const words = [path, mark, 'none', `swm.${attempts.slice(0, 8)}.`];
    execFileSync('/bin/sh', ['-c', clearScript, 'swm', ...words], { stdio: 'ignore' });
  }
}
