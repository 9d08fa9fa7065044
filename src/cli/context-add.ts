import { resolve } from 'node:path';
import { addressesOf } from '../connect.ts';
import { FIELDS, readContexts, writeContexts } from './contexts.ts';
import { exits, Usage } from './exits.ts';
import { type Call, textOf } from './verb.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** Keeps where an installation is, and who we are there, under a name. */
export async function run({ args, options, screen }: Call): Promise<number> {
  const [name] = args as [string];
  if (!NAME.test(name))
    throw new Usage(`swm: ${name}: a context is called by letters, digits, dots and hyphens`);
  const given = FIELDS.flatMap((field) => {
    const text = textOf(options, field);
    if (text === undefined || text === '') return [];
    // A file that is named here lies here, from wherever it is used.
    return [[field, field === 'url' ? text : resolve(text)] as const];
  });
  const context: Readonly<Record<string, string>> = Object.fromEntries(given);
  if (context['url'] === undefined && context['spool'] === undefined)
    throw new Usage('swm: say where it is: --url or --spool');
  if ((context['cert'] === undefined) !== (context['key'] === undefined))
    throw new Usage('swm: --cert and --key go together');
  if (context['url'] !== undefined) await addressesOf({ url: context['url'] });
  const { current, contexts } = readContexts();
  await writeContexts({ current, contexts: new Map([...contexts, [name, context]]) });
  if (screen.json) screen.printJson({ name, ...context });
  else screen.print(name);
  return exits.good;
}
