import { limits } from '../limits.ts';
import { type DirectiveName, directives } from './directives.ts';
import type { Draft } from './draft.ts';
import { type Flaw, flaw, isFlaw, quoted } from './flaw.ts';
import { type GivenSlurm, readOptions, slurmOptions } from './slurm-options.ts';
import { type Remark, type Wish, wishesOf } from './slurm-wishes.ts';
import { takeValue } from './values.ts';
import { isBlank, wordsOf } from './words.ts';

/** How such a line begins, at its very begin. */
const MARK = '#SBATCH';

/** A flaw and its line, from 1. */
export type Located = { readonly flaw: Flaw; readonly line: number };

/** What the `#SBATCH` lines of a script have said so far. */
export type SlurmLines = {
  readonly given: GivenSlurm[];
  readonly errors: Located[];
  readonly warnings: Located[];
  /** There was such a line. */
  isAny: boolean;
  /** The script's first command has come: what stands behind it is not read, as Slurm has it. */
  isOver: boolean;
  /** One such line was told of. */
  isTold: boolean;
};

export const newSlurmLines = (): SlurmLines => ({
  given: [],
  errors: [],
  warnings: [],
  isAny: false,
  isOver: false,
  isTold: false,
});

/** What the lines of a whole script have said. */
export function slurmLinesOf(script: string): SlurmLines {
  const lines = newSlurmLines();
  for (const [at, text] of script.split('\n').entries())
    readSlurmLine(lines, text, 0, text.length, at + 1);
  return lines;
}

/** Reads the line of a script that goes from `from` to `end`, if it is one of Slurm's. */
export function readSlurmLine(
  lines: SlurmLines,
  text: string,
  from: number,
  end: number,
  line: number,
): void {
  const behind = from + MARK.length;
  if (!text.startsWith(MARK, from) || (behind < end && !isBlank(text[behind]))) {
    lines.isOver ||= isCommand(text, from, end);
    return;
  }
  if (lines.isOver) {
    const late = `${MARK} behind the first command is not read, as Slurm does not`;
    if (!lines.isTold) lines.warnings.push({ flaw: flaw(0, late), line });
    lines.isTold = true;
    return;
  }
  lines.isAny = true;
  if (end - from > limits.directiveCharsMax) {
    const most = `a line of ${MARK} has at most ${limits.directiveCharsMax} characters`;
    lines.errors.push({ flaw: flaw(limits.directiveCharsMax, most), line });
    return;
  }
  readOptionsOf(lines, text.slice(from, end), line);
}

function isCommand(text: string, from: number, end: number): boolean {
  let at = from;
  while (at < end && isBlank(text[at])) at += 1;
  return at < end && text[at] !== '#';
}

function readOptionsOf(lines: SlurmLines, text: string, line: number): void {
  const words = wordsOf(text, MARK.length, 'end');
  if (isFlaw(words)) {
    lines.errors.push({ flaw: words, line });
    return;
  }
  const { given, flaws, unknown, rest } = readOptions(slurmOptions, words, line);
  lines.given.push(...given);
  for (const wrong of flaws) lines.errors.push({ flaw: wrong, line });
  for (const { flaw: option, at } of unknown)
    lines.warnings.push({ flaw: flaw(at, `swm knows no option ${quoted(option)}`), line });
  const [odd] = rest;
  if (odd !== undefined)
    lines.errors.push({ flaw: flaw(odd.at, `${quoted(odd.text)} is no option`), line });
}

/**
 * What they ask for goes into the draft, unless directives of the script's own say it: those count.
 * Called once all of these are read.
 */
export function takeSlurmLines(lines: SlurmLines, draft: Draft): void {
  if (!lines.isAny) return;
  draft.spec.slurm = true;
  const { wishes, lost, wrong } = wishesOf(lines.given);
  lines.warnings.push(...lost.map(remark));
  lines.errors.push(...wrong.map(remark));
  for (const wish of wishes) takeWish(lines, wish, draft);
}

const remark = ({ by, text }: Remark): Located => ({
  flaw: flaw(by.at, `--${by.name} ${text}`),
  line: by.line,
});

function takeWish(lines: SlurmLines, { directive, text, by, aside }: Wish, draft: Draft): void {
  const [first] = by as readonly [GivenSlurm, ...GivenSlurm[]];
  const name = directive as DirectiveName;
  const line = `${name} ${text}`.trimEnd();
  const place = draft.places.get(placeOf(name, text));
  if (place !== undefined) {
    const counts = `is left out: \`${name}\` is given, at ${place}, and counts`;
    if (!aside) lines.warnings.push(remark({ by: first, text: counts }));
    return;
  }
  const given = { line, nameAt: 0, valueAt: Math.min(name.length + 1, line.length) };
  for (const found of takeValue(given, directives[name], draft))
    lines.errors.push(remark({ by: first, text: found.flaw }));
}

/** As a draft keeps what was given: a directive, or one of its several values. */
function placeOf(name: DirectiveName, text: string): string {
  if (!directives[name].repeatable) return name;
  const value = text.replace(/^'|'$/g, '');
  return name === 'env' ? `env ${value.replace(/=.*$/s, '')}` : `${name} ${value.toLowerCase()}`;
}
