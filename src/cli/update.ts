import { formatScriptError, parseScript } from '../protocol/jobscript/jobscript.ts';
import type { JobSpec } from '../protocol/jobscript/spec.ts';
import type { Body } from '../protocol/messages.ts';
import { exits, Usage } from './exits.ts';
import { type Call, textOf } from './verb.ts';

/** What may be changed: the flags, which are the directives of those names, and their fields. */
const changes = { priority: 'priority', time: 'walltimeMs', name: 'name' } as const;
type Flag = keyof typeof changes;

/** Changes what a job that waits asks for. */
export async function run({ args, options, screen, client }: Call): Promise<number> {
  const given = (Object.keys(changes) as Flag[]).flatMap((flag) => {
    const text = textOf(options, flag);
    return text === undefined ? [] : [[changes[flag], readAs(flag, text)] as const];
  });
  if (given.length === 0) throw new Usage('swm: --priority, --time or --name says what to change');
  const body = { id: args[0]!, ...Object.fromEntries(given) } as Body<'job.update'>;
  const asked = await (await client()).call('job.update', body);
  if (screen.json) screen.printJson(asked);
  else screen.print(asked.id);
  return exits.good;
}

/** As a script says it, with its bounds and its errors. */
function readAs(flag: Flag, text: string): JobSpec[(typeof changes)[Flag]] {
  const line = text.replaceAll('\n', ' ');
  const parsed = parseScript(`#!/bin/sh\n#SWM ${flag} ${line}\n`, `--${flag}`);
  if ('spec' in parsed) return parsed.spec[changes[flag]];
  throw new Usage(parsed.errors.map((error) => formatScriptError(`--${flag}`, error)).join('\n'));
}
