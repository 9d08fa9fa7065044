/** What is wrong with a text, and at which of its characters (from 0). */
export type Flaw = {
  readonly flaw: string;
  readonly at: number;
  /** The known word that was probably meant. */
  readonly near?: string;
};

export const flaw = (at: number, text: string, near?: string): Flaw =>
  near === undefined ? { flaw: text, at } : { flaw: text, at, near };

export const isFlaw = (value: unknown): value is Flaw =>
  typeof value === 'object' && value !== null && 'flaw' in value;

/** The same flaw, seen from a longer text in which this one begins at `by`. */
export const shifted = (found: Flaw, by: number): Flaw => ({ ...found, at: found.at + by });

const SHOWN_CHARS_MAX = 40;
/** All but the two joiners, which some scripts and emoji are written with. */
const UNSHOWN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?![\u200c\u200d])\p{Cf}/gu;

/**
 * A user's text as an error quotes it: short, and without anything that would steer the terminal
 * or the log that the error is printed to.
 */
export function quoted(text: string): string {
  const chars = [...text.slice(0, 2 * SHOWN_CHARS_MAX + 2)];
  const short = chars.length > SHOWN_CHARS_MAX ? [...chars.slice(0, SHOWN_CHARS_MAX), '…'] : chars;
  return `\`${short.join('').replace(UNSHOWN, escaped)}\``;
}

const escaped = (char: string): string =>
  `\\u{${(char.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}}`;

/** Where the first character stands that has no look of its own, or -1. A tab may be allowed. */
export function unprintableAt(text: string, tabs: boolean): number {
  for (const found of text.matchAll(UNSHOWN)) {
    if (!tabs || found[0] !== '\t') return found.index;
  }
  return -1;
}

/** Whole characters of a text: a pair of surrogates counts once. */
export const lengthOf = (text: string): number => [...text].length;
