import { parseScript } from '../protocol/jobscript/jobscript.ts';
import { Usage } from './exits.ts';

const DIRECTIVE = /^[ \t]*#SWM[ \t]+(\S+)/;

/** What `--name` and `--env` put in the place of what the script says. */
export type Overrides = {
  readonly name: string | undefined;
  readonly env: Readonly<Record<string, string>>;
};

/**
 * The script with other directives of these two sorts. No other line changes its number, so that
 * the shell's errors still point to the right ones. `before` are the variables that it sets itself.
 */
export function overridden(
  script: string,
  { name, env }: Overrides,
  before: Readonly<Record<string, string>>,
): string {
  const broken = [name ?? '', ...Object.values(env)].find((text) => /[\n\r]/.test(text));
  if (broken !== undefined)
    throw new Usage(`swm: --name or --env: ${JSON.stringify(broken)} is more than one line`);
  let edited = script;
  if (name !== undefined) edited = replaced(edited, 'name', `#SWM name ${name}`);
  if (Object.keys(env).length > 0) {
    const all = Object.entries({ ...before, ...env }).map(
      ([key, value]) => `${key}=${word(value)}`,
    );
    edited = replaced(edited, 'env', `#SWM env ${all.join(' ')}`);
  }
  const parsed = edited === script ? undefined : parseScript(edited, 'script');
  if (parsed !== undefined && 'errors' in parsed)
    throw new Usage(`swm: --name or --env: ${parsed.errors[0]?.text ?? 'does not fit'}`);
  return edited;
}

/** The first such directive becomes the new one, the others comments; without any it comes last. */
function replaced(script: string, directive: string, line: string): string {
  let done = false;
  const lines = script.split('\n').map((old) => {
    if (DIRECTIVE.exec(old)?.[1]?.toLowerCase() !== directive) return old;
    if (done) return '#';
    done = true;
    return line;
  });
  if (done) return lines.join('\n');
  return `${script}${script.endsWith('\n') || script === '' ? '' : '\n'}${line}\n`;
}

const word = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** `NAME=VALUE` each; a name alone takes its value from our own environment, as docker does. */
export function envOf(
  texts: readonly string[],
  own: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      const name = at < 0 ? text : text.slice(0, at);
      const value = at < 0 ? own[name] : text.slice(at + 1);
      if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
        throw new Usage(`swm: --env: ${text} is not NAME=VALUE`);
      if (value === undefined) throw new Usage(`swm: --env: ${name} is not set here`);
      return [name, value];
    }),
  );
}
