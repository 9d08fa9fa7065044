import { createHash } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Failed } from '../protocol/errors.ts';
import { exits } from './exits.ts';
import type { Call } from './verb.ts';
import { instant, size } from './words.ts';

/** Fetches a copy of all records. The file is whole or not there, and nobody else may read it. */
export async function run({ args, screen, client }: Call): Promise<number> {
  const [file = ''] = args as readonly string[];
  const path = resolve(file);
  const remote = await client();
  const made = await remote.call('head.backup', {});
  const part = `${path}.part`;
  const hash = createHash('sha256');
  let done = 0;
  try {
    const into = await open(part, 'wx', 0o600);
    try {
      for await (const chunk of remote.download(made)) {
        hash.update(chunk);
        await into.writeFile(chunk);
        done += chunk.length;
        screen.status(`${size(done)} of ${size(made.bytes)}`);
      }
      await into.sync();
    } finally {
      await into.close();
    }
    screen.status('');
    if (hash.digest('hex') !== made.sha256)
      throw new Failed('input_corrupt', `${file} arrived damaged: try again`);
    await rename(part, path);
    const folder = await open(dirname(path));
    await folder.sync().finally(() => folder.close());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST')
      throw new Failed('in_use', `${part} is there: another backup is being made, or was cut off`);
    await rm(part, { force: true });
    throw error;
  }
  if (screen.json) screen.printJson({ file: path, ...made });
  else {
    screen.print(path);
    screen.note(`${size(made.bytes)}, the records up to ${instant(made.at)}`);
    screen.note('files of jobs and the keys below `secure` in the spools are not in it');
  }
  return exits.good;
}
