import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { proseLike } from './demo-text.ts';

/** What a demo has its job do: the script, and the text whose words it counts. */
export type Script = { readonly script: string; readonly text: string };

const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');
const TEXT = 'wordcount.txt';
const TEXT_BYTES = 1.5 * 2 ** 20;

/** What is in the folder of a demo besides what its head makes. */
export const props = [TEXT, 'results'];

/** Reads `examples/wordcount.job`, and puts the text for it where a demo plays. */
export async function bringScript(root: string): Promise<Script> {
  const script = await readFile(join(EXAMPLES, 'wordcount.job'), 'utf8');
  const text = proseLike(await readFile(join(EXAMPLES, TEXT), 'utf8'), TEXT_BYTES);
  await writeFile(join(root, TEXT), text);
  return { script, text };
}
