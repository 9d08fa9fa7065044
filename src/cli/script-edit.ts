import { parseScript } from '../protocol/jobscript/jobscript.ts';
import { quotedWord } from '../protocol/jobscript/words.ts';
import type { Ask } from './asks.ts';
import { Usage } from './exits.ts';

const DIRECTIVE = /^[ \t]*#SWM[ \t]+(\S+)/;

/** What the command line puts in the place of what the script says. */
export type Overrides = {
  readonly name: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly asks?: readonly Ask[];
};

/**
 * The script with other directives of these sorts. No other line changes its number, so that
 * the shell's errors still point to the right ones. `before` are the variables that it sets itself.
 */
export function overridden(
  script: string,
  { name, env, asks = [] }: Overrides,
  before: Readonly<Record<string, string>>,
): string {
  const single: readonly Ask[] = [
    ...(name === undefined ? [] : [['name', name] as const]),
    ...asks,
  ];
  const texts = [...single.map(([, text]) => text), ...Object.values(env)];
  const broken = texts.find((text) => /[\n\r]/.test(text));
  if (broken !== undefined) throw new Usage(`swm: ${JSON.stringify(broken)} is more than one line`);
  let edited = script;
  for (const [directive, text] of single)
    edited = checked(replaced(edited, directive, `#SWM ${directive} ${text}`), `--${directive}`);
  if (Object.keys(env).length === 0) return edited;
  const all = Object.entries({ ...before, ...env }).map(
    ([key, value]) => `${key}=${quotedWord(value)}`,
  );
  return checked(replaced(edited, 'env', `#SWM env ${all.join(' ')}`), '--env');
}

/** What was good before fails by what the option says. */
function checked(script: string, option: string): string {
  const parsed = parseScript(script, 'script');
  if ('errors' in parsed)
    throw new Usage(`swm: ${option}: ${parsed.errors[0]?.text ?? 'does not fit'}`);
  return script;
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

/** A script that is this command and nothing else, called as its program is. */
export function scriptOf(words: readonly string[]): string {
  const line = `exec ${words.map(quotedWord).join(' ')}`;
  // A line of a word must not be taken for one of ours.
  if (line.split(/[\n\r]/).some((part) => DIRECTIVE.test(part)))
    throw new Usage('swm: a line of the command begins with #SWM; write a script of it');
  const [program = ''] = (words[0] ?? '').split('/').slice(-1);
  const name = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,63}$/.test(program) ? `#SWM name ${program}\n` : '';
  return `#!/bin/sh\n${name}${line}\n`;
}

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
