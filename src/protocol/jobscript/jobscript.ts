import { nearest } from '../didyoumean.ts';
import { limits } from '../limits.ts';
import { type DirectiveName, directiveNames, directiveOf, directives } from './directives.ts';
import { type Draft, givenBefore, newDraft } from './draft.ts';
import { type Flaw, flaw, quoted } from './flaw.ts';
import { type Located, newSlurmLines, readSlurmLine, takeSlurmLines } from './slurm-lines.ts';
import type { JobSpec } from './spec.ts';
import { utf8BytesOf } from './utf8.ts';
import { takeValue } from './values.ts';
import { isBlank } from './words.ts';

/** What is wrong with a script, and where: line and column from 1, in UTF-16 units. */
export type ScriptError = {
  readonly line: number;
  readonly column: number;
  readonly text: string;
  /** The known word that was probably meant. */
  readonly near?: string;
};

/** What it asks for, and, where it has `#SBATCH` lines, what of them has no equal; or errors. */
export type ParsedScript =
  | { readonly spec: JobSpec; readonly warnings?: readonly ScriptError[] }
  | { readonly errors: readonly ScriptError[] };

/** The first token of a directive's line. Anything else, such as `# SWM`, is the script's own. */
const MARK = '#SWM';

/**
 * Reads the directives of a job script, wherever they stand in it, and the `#SBATCH` lines at its
 * head. `file` is what the user calls the script; errors refer to it. All errors are told, up to a
 * limit, in the order of the lines.
 */
export function parseScript(text: string, file: string): ParsedScript {
  const { scriptBytesMax, scriptErrorsMax } = limits;
  if (isTooLong(text)) {
    return { errors: [{ line: 1, column: 1, text: `has more than ${scriptBytesMax} bytes` }] };
  }
  const errors: ScriptError[] = [];
  const draft = newDraft(file);
  const slurm = newSlurmLines();
  const nul = text.indexOf('\0');
  for (let from = 0; from < text.length && errors.length < scriptErrorsMax; draft.line += 1) {
    const found = text.indexOf('\n', from);
    const end = found < 0 ? text.length : found;
    const flaws =
      nul >= from && nul < end
        ? [flaw(nul - from, 'has a NUL byte: it is no text')]
        : readLine(text, from, end, draft);
    for (const one of flaws) errors.push(located(one, draft.line, end - from));
    readSlurmLine(slurm, text, from, end, draft.line);
    from = end + 1;
  }
  takeSlurmLines(slurm, draft);
  const all = [...errors, ...inOrder(slurm.errors)].toSorted((a, b) => a.line - b.line);
  if (all.length > 0) return { errors: all.slice(0, scriptErrorsMax) };
  const warnings = inOrder(slurm.warnings);
  return warnings.length > 0 ? { spec: draft.spec, warnings } : { spec: draft.spec };
}

const inOrder = (found: readonly Located[]): readonly ScriptError[] =>
  found
    .map(({ flaw: one, line }) => located(one, line, one.at + 1))
    .toSorted((a, b) => a.line - b.line || a.column - b.column);

/** Counts bytes only where the number of UTF-16 units leaves it open. */
const isTooLong = (text: string): boolean =>
  text.length > limits.scriptBytesMax ||
  (text.length > limits.scriptBytesMax / 3 && utf8BytesOf(text) > limits.scriptBytesMax);

/** `FILE:line:column: text`, as compilers print it, so that editors jump there. */
export function formatScriptError(file: string, error: ScriptError): string {
  const hint = error.near === undefined ? '' : `; did you mean \`${error.near}\`?`;
  return `${file}:${error.line}:${error.column}: ${error.text}${hint}`;
}

/** What is missing at the end of a line is shown at its last character. */
const located = ({ flaw: text, at, near }: Flaw, line: number, length: number): ScriptError => {
  const column = Math.min(at + 1, length);
  return near === undefined ? { line, column, text } : { line, column, text, near };
};

function readLine(text: string, from: number, end: number, draft: Draft): readonly Flaw[] {
  let at = from;
  while (at < end && isBlank(text[at])) at += 1;
  const nameFrom = at + MARK.length;
  if (!text.startsWith(MARK, at) || (nameFrom < end && !isBlank(text[nameFrom]))) return [];
  if (end - from > limits.directiveCharsMax) {
    const most = `at most ${limits.directiveCharsMax} characters`;
    return [flaw(limits.directiveCharsMax, `a line of a directive has ${most}`)];
  }
  let to = end;
  while (isBlank(text[to - 1])) to -= 1;
  return readDirective(text.slice(from, to), nameFrom - from, draft);
}

function readDirective(line: string, from: number, draft: Draft): readonly Flaw[] {
  const nameAt = skip(line, from, true);
  const nameEnd = skip(line, nameAt, false);
  const word = line.slice(nameAt, nameEnd);
  if (word === '') return [flaw(from - MARK.length, `${MARK} needs a directive behind it`)];
  const name = directiveOf(word);
  if (name === undefined) return [unknown(word, nameAt)];
  const directive = directives[name];
  const given = { line, nameAt, valueAt: skip(line, nameEnd, true) };
  const asksNothing = directive.blank === true && given.valueAt === line.length;
  const once = !directive.repeatable && !asksNothing;
  const place = once ? givenBefore(draft, name, nameAt) : undefined;
  const again = place === undefined ? [] : [flaw(nameAt, `was given already, at ${place}`)];
  return [...again, ...takeValue(given, directive, draft)].map((found) => named(found, name));
}

function skip(line: string, from: number, blanks: boolean): number {
  let at = from;
  while (at < line.length && isBlank(line[at]) === blanks) at += 1;
  return at;
}

const named = (found: Flaw, name: DirectiveName): Flaw => ({
  ...found,
  flaw: `\`${name}\`: ${found.flaw}`,
});

function unknown(word: string, at: number): Flaw {
  const near = nearest(word, directiveNames);
  const text = `${quoted(word)} is no directive`;
  return near === undefined
    ? flaw(at, `${text}; there are ${directiveNames.join(', ')}`)
    : flaw(at, text, near);
}
