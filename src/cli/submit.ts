import { createHash } from 'node:crypto';
import type { Client } from '../client/client.ts';
import type { Input } from '../platform/input-files.ts';
import {
  formatScriptError,
  parseScript,
  type ScriptError,
} from '../protocol/jobscript/jobscript.ts';
import type { JobSpec } from '../protocol/jobscript/spec.ts';
import { limits } from '../protocol/limits.ts';
import type { Body } from '../protocol/messages.ts';
import { asksOf } from './asks.ts';
import { isDagFile } from './dag-file-name.ts';
import { exits, explain, Usage } from './exits.ts';
import { readGiven } from './given.ts';
import { findInputs, sendInputs } from './inputs.ts';
import type { Screen } from './screen.ts';
import { envOf, overridden, scriptOf } from './script-edit.ts';
import { filled, givenParameters } from './template.ts';
import { type Call, isOn, listOf, textOf } from './verb.ts';
import { resultOf } from './waiting.ts';

/**
 * Submits a script, or a command: its errors are found here, its files brought first, its id
 * printed last.
 */
export async function run(call: Call): Promise<number> {
  const { options, screen } = call;
  if (call.behind === undefined && isDagFile(call.args[0] ?? ''))
    return (await import('./dag-submit.ts')).run(call);
  const { file, text } = await given(call);
  const { script, spec } = edited(call, file, text);
  const inputs = await findInputs(spec.inputFiles, process.cwd());
  if (isOn(options, 'dryRun')) {
    screen.note(`${file}: is well-formed; nothing was sent.`);
    screen.printJson({ spec, inputs: inputs.map((input) => input.file) });
    return exits.good;
  }
  const wait = isOn(options, 'wait');
  try {
    const client = await call.client();
    const key = textOf(options, 'once');
    const once = key === undefined ? {} : { key };
    const id = await submitted(screen, client, { file, script, inputs }, once);
    if (screen.json && !wait) screen.printJson({ id });
    else if (!screen.json) screen.print(id);
    return wait ? await resultOf(client, screen, id) : exits.good;
  } catch (error) {
    const code = explain(screen, error);
    // What is not the job's own must not look like it.
    return wait && code !== exits.usage ? exits.ours : code;
  }
}

/** What is to be submitted, and how errors call it. */
async function given({ args, behind }: Call): Promise<{ file: string; text: string }> {
  const [file] = args;
  if (file === undefined) throw new Usage('swm: submit FILE, or submit -- COMMAND');
  if (behind === undefined && args.length === 1) return { file, text: await readScript(file) };
  if (behind === undefined || args.length > behind.length)
    throw new Usage('swm: submit takes one script; a command stands behind --');
  return { file: 'command', text: scriptOf(behind) };
}

/** The text of a script, which a file holds or stdin brings. */
export async function readScript(file: string): Promise<string> {
  const bytes = await readGiven(file, limits.scriptBytesMax);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Usage(`${nameOf(file)}:1:1: is not UTF-8 text`);
  }
}

const nameOf = (file: string): string => (file === '-' ? 'stdin' : file);

/** What a script asks for, and what of it has no equal. */
type Read = { readonly spec: JobSpec; readonly warnings: readonly ScriptError[] };
type Edited = { readonly script: string; readonly spec: JobSpec };

/** A script with what the command line says in its place; throws where it is wrong. */
export function edited({ options, screen }: Call, file: string, text: string): Edited {
  const script = filled(text, nameOf(file), givenParameters(listOf(options, 'param')));
  const { env } = read(script, file).spec;
  const overrides = {
    name: textOf(options, 'name'),
    env: envOf(listOf(options, 'env'), process.env),
    asks: asksOf(options),
  };
  const changed = overridden(script, overrides, env);
  const { spec, warnings } = read(changed, file);
  noteWarnings(screen, file, warnings);
  return { script: changed, spec };
}

export function noteWarnings(
  screen: Pick<Screen, 'note'>,
  file: string,
  warnings: readonly ScriptError[],
): void {
  for (const warning of warnings) screen.note(formatScriptError(nameOf(file), warning));
}

/** What is wrong with a script is the fault of whoever called the command. */
export function read(script: string, file: string): Read {
  const parsed = parseScript(script, nameOf(file));
  if ('spec' in parsed) return { spec: parsed.spec, warnings: parsed.warnings ?? [] };
  throw new Usage(parsed.errors.map((error) => formatScriptError(nameOf(file), error)).join('\n'));
}

type Job = {
  readonly file: string;
  readonly script: string;
  readonly inputs: readonly Input[];
};

export async function submitted(
  screen: Screen,
  client: Client,
  { file, script, inputs }: Job,
  more: Partial<Body<'job.submit'>>,
): Promise<string> {
  const sent = await sentWhole(screen, client, { file, script, inputs });
  const { id } = await client.call('job.submit', { ...sent, ...more });
  return id;
}

/** Brings a script and its files, and gives what a call says of them. */
export async function sentWhole(
  screen: Screen,
  client: Client,
  { file, script, inputs }: Job,
): Promise<Body<'job.submit'>> {
  await sendInputs(client, inputs, screen);
  return {
    ...(await sentScript(client, script)),
    file: nameOf(file),
    inputs: inputs.map((input) => input.file),
  };
}

/** A long script goes as a blob, like any other file. */
async function sentScript(
  client: Client,
  script: string,
): Promise<Pick<Body<'job.submit'>, 'script' | 'scriptBlob'>> {
  const bytes = new TextEncoder().encode(script);
  if (bytes.length <= limits.scriptInlineBytesMax) return { script };
  const scriptBlob = {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
  };
  await client.upload(scriptBlob, async function* (offset) {
    yield bytes.subarray(offset);
  });
  return { script: '', scriptBlob };
}
