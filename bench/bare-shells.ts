import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * So many trivial processes a second, as two shells start them, each with half of the lines, and a
 * file for the output and the errors of each: what the machine gives without any of swm.
 */
export async function bareShells(place: string, count: number): Promise<number> {
  const scripts = [0, 1].map((shell) => {
    const path = join(place, `${shell}.sh`);
    const lines = Array.from(
      { length: count / 2 },
      (_, n) => `/bin/true >${shell}.${n}.out 2>${shell}.${n}.err`,
    );
    writeFileSync(path, `${lines.join('\n')}\n`);
    return path;
  });
  const before = performance.now();
  await Promise.all(scripts.map((path) => ended(spawn('/bin/sh', [path], { cwd: place }))));
  const rate = (count / (performance.now() - before)) * 1_000;
  if (readdirSync(place).length !== 2 * count + 2) throw new Error('the floor lost a log');
  return rate;
}

export const ended = (child: ChildProcess): Promise<void> =>
  new Promise((resolve, reject) => {
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit ${code}`))));
  });
