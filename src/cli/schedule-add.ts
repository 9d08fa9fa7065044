import { exits, Usage } from './exits.ts';
import { findInputs } from './inputs.ts';
import { edited, readScript, sentWhole } from './submit.ts';
import { type Call, textOf } from './verb.ts';
import { instant } from './words.ts';

/** Has a script submitted again and again; it is read and brought now, as by `submit`. */
export async function run(call: Call): Promise<number> {
  const { args, options, screen } = call;
  const [name = '', cron = '', file = ''] = args;
  const missed = oneOf('missed', textOf(options, 'missed'), ['run', 'skip'] as const);
  const overlap = oneOf('overlap', textOf(options, 'overlap'), ['allow', 'skip', 'queue'] as const);
  const { script, spec } = edited(call, file, await readScript(file));
  const inputs = await findInputs(spec.inputFiles, process.cwd());
  const client = await call.client();
  const sent = await sentWhole(screen, client, { file, script, inputs });
  const added = await client.call('schedule.add', {
    ...sent,
    name,
    cron,
    zone: textOf(options, 'zone') ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    ...(missed && { missed }),
    ...(overlap && { overlap }),
  });
  if (screen.json) screen.printJson(added);
  else screen.print(`${added.name}: next ${instant(added.nextAt)}`);
  return exits.good;
}

function oneOf<T extends string>(
  flag: string,
  text: string | undefined,
  words: readonly T[],
): T | undefined {
  const found = words.find((word) => word === text);
  if (text !== undefined && found === undefined)
    throw new Usage(`swm: --${flag}: ${text} is none of ${words.join(', ')}`);
  return found;
}
