import { nearest } from '../didyoumean.ts';
import { parseArray } from './arrayrange.ts';
import type { Draft } from './draft.ts';
import { type Flaw, flaw, isFlaw, quoted, shifted } from './flaw.ts';
import { pathFlaw, textFlaw } from './paths.ts';
import { parseBytes, parseDuration, showBytes, showDuration } from './quantities.ts';
import type { Takes } from './takes.ts';
import type { Word } from './words.ts';

type Of<Is extends Takes['is']> = Extract<Takes, { readonly is: Is }>;
export type WordTakes = Of<
  'count' | 'amount' | 'bytes' | 'time' | 'path' | 'url' | 'word' | 'choice' | 'term' | 'array'
>;

/** Reads the one word of a directive into the draft. */
export function takeWord(word: Word, takes: WordTakes, draft: Draft): Flaw | undefined {
  switch (takes.is) {
    case 'count':
      return takeCount(word, takes, draft);
    case 'amount':
      return takeSum(word, takes, draft);
    case 'bytes':
      return takeAmount(word, parseBytes(word.text), takes, showBytes, draft);
    case 'time':
      return takeAmount(word, parseDuration(word.text), takes, showDuration, draft);
    case 'path':
      return takeText(pathFlaw(word, 'below'), word, takes, draft);
    case 'url':
      return takeText(urlFlaw(word), word, takes, draft);
    case 'word':
      return takeText(nameFlaw(word, takes), word, takes, draft);
    case 'choice':
      return takeChoice(word, takes, draft);
    case 'term':
      return takeTerm(word, takes, draft);
    case 'array':
      return takeArray(word, draft);
  }
}

const WHOLE = /^[+-]?\d{1,15}$/;

function takeCount({ text, at }: Word, takes: Of<'count'>, draft: Draft): Flaw | undefined {
  const count = WHOLE.test(text) ? Number(text) + 0 : Number.NaN;
  if (!(count >= takes.min && count <= takes.max)) {
    return flaw(at, `wants a whole number from ${takes.min} to ${takes.max}, not ${quoted(text)}`);
  }
  draft.spec[takes.field] = count;
  return undefined;
}

const SUM = /^\d{1,13}(?:\.\d{1,6})?$/;

function takeSum({ text, at }: Word, takes: Of<'amount'>, draft: Draft): Flaw | undefined {
  const sum = SUM.test(text) ? Number(text) : 0;
  if (sum <= 0 || sum > takes.max)
    return flaw(at, `wants a number above 0, such as 12.50, not ${quoted(text)}`);
  draft.spec[takes.field] = sum;
  return undefined;
}

function takeAmount(
  { text, at }: Word,
  amount: number | Flaw,
  takes: Of<'bytes' | 'time'>,
  show: (amount: number) => string,
  draft: Draft,
): Flaw | undefined {
  if (isFlaw(amount)) return shifted(amount, at);
  if (amount < takes.min || amount > takes.max) {
    return flaw(at, `wants ${show(takes.min)} to ${show(takes.max)}, not ${quoted(text)}`);
  }
  draft.spec[takes.field] = amount;
  return undefined;
}

function takeText(
  wrong: Flaw | undefined,
  { text }: Word,
  takes: Of<'path' | 'url' | 'word'>,
  draft: Draft,
): Flaw | undefined {
  if (!wrong) draft.spec[takes.field] = text;
  return wrong;
}

function nameFlaw(word: Word, { marks, charsMax }: Of<'word'>): Flaw | undefined {
  if (word.text === '') return flaw(word.at, 'a name is missing between these quotes');
  const wrong = textFlaw(word, charsMax);
  if (wrong) return wrong;
  for (const [at, char] of Array.from(word.text).entries()) {
    if (!/[A-Za-z0-9]/.test(char) && !marks.includes(char)) {
      const wanted = `letters, digits and ${marks} make it`;
      return flaw(word.at + at, `${quoted(char)} cannot be part of it: ${wanted}`);
    }
  }
  return undefined;
}

function urlFlaw(word: Word): Flaw | undefined {
  const { text, at } = word;
  const wrong = textFlaw(word);
  if (wrong) return wrong;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !(url.protocol === 'http:' || url.protocol === 'https:')) {
    return flaw(at, `wants an http or https URL, not ${quoted(text)}`);
  }
  if (url.username !== '' || url.password !== '') {
    return flaw(at, 'a URL with a user or password would be shown with the job; leave them out');
  }
  return undefined;
}

function takeChoice(word: Word, takes: Of<'choice'>, draft: Draft): Flaw | undefined {
  const chosen = oneOf(word, takes.of);
  if (isFlaw(chosen)) return chosen;
  draft.spec[takes.field] = true;
  return undefined;
}

function takeTerm(word: Word, takes: Of<'term'>, draft: Draft): Flaw | undefined {
  const chosen = oneOf<string>(word, takes.of);
  if (isFlaw(chosen)) return chosen;
  Object.assign(draft.spec, { [takes.field]: chosen });
  return undefined;
}

function oneOf<T extends string>({ text, at }: Word, words: readonly T[]): T | Flaw {
  const chosen = words.find((word) => word === text.toLowerCase());
  const wanted = `wants ${words.join(' or ')}, not ${quoted(text)}`;
  return chosen ?? flaw(at, wanted, nearest(text, words));
}

function takeArray({ text, at }: Word, draft: Draft): Flaw | undefined {
  const array = parseArray(text);
  if (isFlaw(array)) return shifted(array, at);
  draft.spec.array = array;
  return undefined;
}
