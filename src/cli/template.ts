import { nearest } from '../protocol/didyoumean.ts';
import { Usage } from './exits.ts';

/** Scripts with parameters: `#SWM param NAME[=DEFAULT]` declares one, `{{NAME}}` stands for it. */

const DECLARATION = /^([ \t]*#SWM[ \t]+)param(?:[ \t]+|$)(.*)$/i;
const PARAMETER = /^([A-Za-z_][A-Za-z0-9_]*)(?:=(.*))?$/;
const HOLE = /\{\{([A-Za-z_][A-Za-z0-9_]*)\}\}/g;

type Parameter = { readonly line: number; readonly column: number; readonly usual?: string };
type Parameters = ReadonlyMap<string, Parameter>;

/** The names of its parameters. */
export const parametersOf = (script: string): readonly string[] => [
  ...declared(script.split('\n'), '', []).keys(),
];

/**
 * The script with its parameters filled in, each line where it was. One that declares none is no
 * template: it is as it was, whatever braces are in it. Throws `Usage` that names each place.
 */
export function filled(
  script: string,
  file: string,
  given: Readonly<Record<string, string>>,
): string {
  const flaws: string[] = [];
  const lines = script.split('\n');
  const parameters = declared(lines, file, flaws);
  for (const [name, value] of Object.entries(given)) {
    if (!parameters.has(name)) flaws.push(`${file}: ${unknown(name, parameters)}`);
    if (/[\0-\x08\x0a-\x1f\x7f]/.test(value))
      flaws.push(`${file}: parameter ${name}: ${JSON.stringify(value)} is more than one line`);
  }
  const values = new Map<string, string>();
  for (const [name, { line, column, usual }] of parameters) {
    const value = given[name] ?? usual;
    if (value !== undefined) values.set(name, value);
    else flaws.push(`${file}:${line}:${column}: parameter ${name} is not given: --param ${name}=…`);
  }
  if (parameters.size === 0 && flaws.length === 0) return script;
  const made = lines.map((line, at) => {
    // It has done its work, and a line less would move all others.
    if (DECLARATION.test(line)) return line.replace(DECLARATION, '# param $2');
    return line.replace(HOLE, (hole, name: string, column: number) => {
      if (!parameters.has(name))
        flaws.push(`${file}:${at + 1}:${column + 1}: ${unknown(name, parameters)}`);
      return values.get(name) ?? hole;
    });
  });
  if (flaws.length > 0) throw new Usage(flaws.join('\n'));
  return made.join('\n');
}

function declared(lines: readonly string[], file: string, flaws: string[]): Parameters {
  const found = new Map<string, Parameter>();
  for (const [at, text] of lines.entries()) {
    const declaration = DECLARATION.exec(text);
    if (declaration === null) continue;
    const column = (declaration[1]?.length ?? 0) + 1;
    const place = `${file}:${at + 1}:${column}`;
    const [, name = '', usual] = PARAMETER.exec((declaration[2] ?? '').trimEnd()) ?? [];
    if (name === '') flaws.push(`${place}: \`param\`: wants NAME or NAME=VALUE`);
    else if (found.has(name)) flaws.push(`${place}: \`param\`: ${name} was declared already`);
    else found.set(name, { line: at + 1, column, ...(usual !== undefined && { usual }) });
  }
  return found;
}

function unknown(name: string, parameters: Parameters): string {
  const near = nearest(name, parameters.keys());
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return `${name} is no parameter of this script${hint || '; `#SWM param NAME` declares one'}`;
}

/** `NAME=VALUE` each, as the command line has them. */
export function givenParameters(texts: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const [, name, value] = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text) ?? [];
      if (name === undefined || value === undefined)
        throw new Usage(`swm: --param: ${text} is not NAME=VALUE`);
      return [name, value] as const;
    }),
  );
}
