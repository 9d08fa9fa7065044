import { limits } from '../limits.ts';
import { addBytes, type Draft, givenBefore } from './draft.ts';
import { type Flaw, flaw, quoted } from './flaw.ts';
import { pathFlaw, textFlaw } from './paths.ts';
import type { Takes } from './takes.ts';
import { utf8BytesOf } from './utf8.ts';
import type { Word } from './words.ts';

const LITERAL = 'no variable is put in here';

type Of<Is extends Takes['is']> = Extract<Takes, { readonly is: Is }>;
export type ListTakes = Of<'names' | 'files' | 'env' | 'jobs'>;

/** Reads the words of a directive that takes several; all that is wrong with them is told. */
export function takeWords(words: readonly Word[], takes: ListTakes, draft: Draft): readonly Flaw[] {
  return words.map((word) => takeOne(word, takes, draft)).filter((found) => found !== undefined);
}

function takeOne(word: Word, takes: ListTakes, draft: Draft): Flaw | undefined {
  switch (takes.is) {
    case 'names':
      return takeStorage(word, takes, draft);
    case 'files':
      return takeFile(word, takes, draft);
    case 'env':
      return takeVariable(word, draft);
    case 'jobs':
      return takeJob(word, takes, draft);
  }
}

function takeStorage(word: Word, takes: Of<'names'>, draft: Draft): Flaw | undefined {
  const { text, at } = word;
  if (text === '') return flaw(at, 'a name is missing between these quotes');
  const list = draft.spec[takes.field];
  return (
    textFlaw(word, limits.wordCharsMax) ??
    twice(draft, takes.field, text, word) ??
    tooMany(list.push(text), takes.max, at, 'names')
  );
}

function takeFile(word: Word, takes: Of<'files'>, draft: Draft): Flaw | undefined {
  const { pattern, at } = word;
  const wrong = pathFlaw(word, takes.inside ? 'inside' : 'anywhere');
  if (wrong) return wrong;
  if (word.expandsAt >= 0)
    return flaw(word.expandsAt, `${LITERAL}; quote it with ' if it is meant`);
  const again = twice(draft, takes.field, samePath(pattern), word);
  if (again) return again;
  const many = tooMany(draft.spec[takes.field].push(pattern), limits.filesMax, at, 'files');
  if (many) return many;
  const bytes = addBytes(draft, takes.field, utf8BytesOf(pattern) + 1);
  return bytes > limits.fileListBytesMax
    ? flaw(at, `all paths have more than ${limits.fileListBytesMax} bytes; pack the files`)
    : undefined;
}

/** A path without what does not change its meaning, so that one file is not listed twice. */
export const samePath = (path: string): string =>
  path
    .replace(/\/(?:\.?\/)+/g, '/')
    .replace(/^\.\//, '')
    .replace(/(?<=.)\/\.?$/, '');

function takeVariable(word: Word, draft: Draft): Flaw | undefined {
  const { text, at } = word;
  const equals = text.indexOf('=');
  const name = text.slice(0, equals);
  if (equals < 0) {
    return flaw(at, `wants NAME=VALUE, not ${quoted(text)}; quote a value that has spaces`);
  }
  const wrong = variableFlaw(name, at);
  if (wrong) return wrong;
  if (word.expandsAt >= 0) {
    return flaw(word.expandsAt, `${LITERAL}; quote it with ' or export it in the script`);
  }
  const again = twice(draft, 'env', name, word);
  if (again) return again;
  const many = tooMany(Object.keys(draft.spec.env).length + 1, limits.envMax, at, 'variables');
  if (many) return many;
  draft.spec.env[name] = text.slice(equals + 1);
  return addBytes(draft, 'env', utf8BytesOf(text) + 1) > limits.envBytesMax
    ? flaw(at, `all variables have more than ${limits.envBytesMax} bytes`)
    : undefined;
}

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const OURS = 'SWM_';

/** What is wrong with the name of a variable that a script sets. */
export function variableFlaw(name: string, at: number): Flaw | undefined {
  if (!VARIABLE.test(name) || name === '__proto__')
    return flaw(at, `${quoted(name)} is no name of a variable: letters, digits and _ make one`);
  return name.startsWith(OURS)
    ? flaw(at, `${quoted(name)} is not yours to set: swm sets SWM_*`)
    : undefined;
}

/** A full id, or its first eight digits, which no two kept jobs share. */
const JOB = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$|^[0-9a-f]{8}$/i;

function takeJob(word: Word, takes: Of<'jobs'>, draft: Draft): Flaw | undefined {
  if (!JOB.test(word.text)) {
    return flaw(word.at, `wants the id of a job, or its first 8 digits, not ${quoted(word.text)}`);
  }
  const id = word.text.toLowerCase();
  const again = twice(draft, takes.when, id, word);
  if (again) return again;
  const many = tooMany(
    addBytes(draft, 'after', 1),
    limits.dependenciesMax,
    word.at,
    'jobs to wait for',
  );
  if (many) return many;
  const same = draft.spec.after.find((dependency) => dependency.when === takes.when);
  if (same) same.jobs.push(id);
  else draft.spec.after.push({ when: takes.when, jobs: [id] });
  return undefined;
}

/** What is wrong with what may be given once, and was. */
export function twice(draft: Draft, list: string, key: string, word: Word): Flaw | undefined {
  const place = givenBefore(draft, `${list} ${key}`, word.at);
  return place === undefined
    ? undefined
    : flaw(word.at, `${quoted(key)} was given already, at ${place}`);
}

export const tooMany = (number: number, max: number, at: number, of: string): Flaw | undefined =>
  number > max ? flaw(at, `there are more than ${max} ${of}`) : undefined;
