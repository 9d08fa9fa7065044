import { limits } from '../protocol/limits.ts';
import { exits, Usage } from './exits.ts';
import { readGiven } from './given.ts';
import { type Call, isOn, textOf } from './verb.ts';

/** Keeps a secret. Its value is no argument, since those are seen by all users of the machine. */
export async function run({ args, options, screen, client }: Call): Promise<number> {
  const [name] = args as [string];
  const secret = await given(textOf(options, 'fromFile'));
  const set = await (await client()).call('secret.set', {
    name,
    secret,
    ...(isOn(options, 'shared') && { shared: true }),
  });
  if (screen.json) screen.printJson(set);
  else screen.print(set.name);
  return exits.good;
}

/** A file is taken as it is; of what is piped in, the end of its last line is not meant. */
async function given(file: string | undefined): Promise<string> {
  if (file === undefined && process.stdin.isTTY)
    throw new Usage('swm: pipe it in, or name a file by --from-file: what is typed can be seen');
  const bytes = await readGiven(file ?? '-', limits.secretBytesMax);
  if (bytes.byteLength > limits.secretBytesMax)
    throw new Usage(`swm: a secret has at most ${limits.secretBytesMax} bytes`);
  const text = textIn(bytes);
  const value = file === undefined ? text.replace(/\r?\n$/, '') : text;
  if (value === '') throw new Usage('swm: there is nothing in it');
  return value;
}

function textIn(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Usage('swm: a secret is text (UTF-8): encode other bytes, such as by base64');
  }
}
