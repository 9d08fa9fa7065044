import { exits, Usage } from './exits.ts';
import { results, Trouble } from './results.ts';
import type { Call } from './verb.ts';

/** Prints the JSON Schema of what a command prints by --json; without one, of all of them. */
export async function run({ args, screen }: Call): Promise<number> {
  const verb = args.join(' ');
  if (verb === '') screen.printJson(allOf());
  else screen.printJson({ $schema: DIALECT, title: `swm ${verb} --json`, ...shapeOf(verb) });
  return exits.good;
}

const DIALECT = 'https://json-schema.org/draft/2020-12/schema';

function shapeOf(verb: string): object {
  const shape = Object.hasOwn(results, verb) ? results[verb] : undefined;
  if (shape === undefined) throw new Usage(`swm: there is no command ${verb}; see \`swm help\``);
  if (shape === null) throw new Usage(`swm: ${verb} has no results that --json would print`);
  return shape;
}

/** `error` is printed by whichever fails. */
function allOf(): object {
  const printed = Object.entries(results).filter(([, shape]) => shape !== null);
  return { $schema: DIALECT, $defs: { ...Object.fromEntries(printed), error: Trouble } };
}
