import { createReadStream } from 'node:fs';
import type { Client } from '../client/client.ts';
import type { Execution } from '../client/exec.ts';
import type { Input } from '../platform/input-files.ts';
import { Failed } from '../protocol/errors.ts';
import { literal } from '../protocol/jobscript/pattern.ts';
import { exits, Usage } from './exits.ts';
import { findInputs } from './inputs.ts';
import { countOf } from './jobs.ts';
import { type Call, textOf } from './verb.ts';
import { size } from './words.ts';

/** Brings files into the directory of a job that runs. */
export async function run({ args, options, screen, client }: Call): Promise<number> {
  const [given, ...paths] = args as [string, ...string[]];
  const rank = countOf(textOf(options, 'rank'), 'rank') ?? 0;
  const inputs = await findInputs(paths.map(literal), process.cwd(), 'put');
  const open = await client();
  const { job } = await open.call('job.show', { id: given });
  for (const input of inputs) {
    const { path, bytes } = input.file;
    await put(open, job.id, rank, input, (sent) =>
      screen.status(`${path}: ${size(sent)} of ${size(bytes)}`),
    );
    screen.status('');
    if (!screen.json) screen.print(path);
  }
  if (screen.json)
    screen.printJson(inputs.map(({ file: { path, sha256, bytes } }) => ({ path, sha256, bytes })));
  return exits.good;
}

/**
 * Runs as part of the job, so that the file is its account's and stays where that may write. It is
 * there whole or not at all: beside it first, counted and summed, then renamed.
 */
const RECEIVER = `set -eu
to=./$1 part=./$1.$$.swm-part
if [ -d "$to" ]; then echo "it is a folder in the job" >&2; exit 1; fi
mkdir -p "\${to%/*}"
trap 'rm -f "$part"' EXIT
(set -C; cat >"$part")
if [ "$(wc -c <"$part")" -ne "$2" ]; then echo "it did not arrive whole" >&2; exit 1; fi
if command -v sha256sum >/dev/null && [ "$(sha256sum <"$part")" != "$4  -" ]; then
  echo "it changed on the way" >&2; exit 1
fi
chmod "$3" "$part"
mv -f "$part" "$to"
trap - EXIT`;

async function put(
  client: Client,
  job: string,
  rank: number,
  { from, file }: Input,
  progress: (sentBytes: number) => void,
): Promise<void> {
  const { path, bytes, mode, sha256 } = file;
  const facts = [path, `${bytes}`, mode.toString(8), sha256];
  const execution = await client.exec(job, ['sh', '-c', RECEIVER, 'swm-put', ...facts], { rank });
  const ended = endOf(execution);
  // Whoever receives may end before all is sent: then nobody takes the rest.
  await Promise.race([sendFile(execution, from, bytes, progress), ended]);
  const { code, text } = await ended;
  if (code !== 0) throw new Failed('refused', `${path}: ${text.trim() || `ended with ${code}`}`);
}

async function sendFile(
  execution: Execution,
  from: string,
  bytes: number,
  progress: (sentBytes: number) => void,
): Promise<void> {
  let sent = 0;
  progress(sent);
  try {
    for await (const chunk of createReadStream(from)) {
      await execution.write(chunk as Buffer);
      sent += (chunk as Buffer).length;
      progress(sent);
      if (sent > bytes) break;
    }
    await execution.end();
  } catch (error) {
    // Of a connection that is lost its end tells.
    if (error instanceof Failed) return;
    execution.kill();
    throw new Usage(`swm: put: ${(error as Error).message}`);
  }
}

async function endOf(execution: Execution): Promise<{ code: number; text: string }> {
  const printed = execution.read();
  let text = '';
  for (;;) {
    const { value, done } = await printed.next();
    if (done === true) return { code: value, text };
    text += new TextDecoder().decode(value.bytes);
  }
}
