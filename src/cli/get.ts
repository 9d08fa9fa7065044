import { resolve } from 'node:path';
import { Failed } from '../protocol/errors.ts';
import type { File } from '../protocol/model.ts';
import { exits } from './exits.ts';
import { openFolder } from './outputs.ts';
import { type Call, textOf } from './verb.ts';
import { size } from './words.ts';

/** Fetches the outputs of a job. What is there already, whole and right, is not fetched again. */
export async function run({ args, options, screen, client }: Call): Promise<number> {
  const open = await client();
  const [id, ...paths] = args as [string, ...string[]];
  const { job } = await open.call('job.show', { id });
  const wanted = chosen(job.outputs, paths, job.missing);
  const folder = await openFolder(resolve(textOf(options, 'to') ?? '.'));
  for (const file of wanted) {
    const fetched = await folder.bring(
      file,
      (offset) => open.download(file, offset),
      (bytes) => screen.status(`${file.path}: ${size(bytes)} of ${size(file.bytes)}`),
    );
    screen.status('');
    if (!screen.json) screen.print(fetched);
  }
  if (screen.json)
    screen.printJson(wanted.map(({ path, sha256, bytes }) => ({ path, sha256, bytes })));
  else if (wanted.length === 0) screen.note('The job has no output files.');
  return exits.good;
}

/** All of them, or those that are named, by themselves or by a folder that they are in. */
export function chosen(
  outputs: readonly File[],
  paths: readonly string[],
  missing: readonly string[],
): readonly File[] {
  if (paths.length === 0) return outputs;
  const found = new Set<File>();
  for (const path of paths) {
    const plain = path.replace(/^\.\//, '').replace(/\/+$/, '');
    const under = outputs.filter(
      (file) => file.path === plain || file.path.startsWith(`${plain}/`),
    );
    if (under.length === 0) {
      const why = missing.includes(plain)
        ? 'the job did not make it'
        : 'it is no output of the job';
      throw new Failed('not_found', `${path}: ${why}`);
    }
    for (const file of under) found.add(file);
  }
  return [...found];
}
