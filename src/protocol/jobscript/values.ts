import { takeCountable, takeGang, takeGpus } from './demands.ts';
import type { Draft } from './draft.ts';
import { type Flaw, flaw, isFlaw, quoted, shifted } from './flaw.ts';
import { takeWords } from './lists.ts';
import { tooLong, unprintable } from './paths.ts';
import { parsePorts } from './portlist.ts';
import { takeWord } from './scalars.ts';
import { takeSecret } from './secret.ts';
import type { Directive, Takes } from './takes.ts';
import { type Word, wordsOf } from './words.ts';

/** A line of a directive, no blanks behind it: where its name begins, and where its value. */
export type Given = {
  readonly line: string;
  readonly nameAt: number;
  readonly valueAt: number;
};

/** Reads the value of a directive into the draft. A flaw's place counts from the line's begin. */
export function takeValue(given: Given, directive: Directive, draft: Draft): readonly Flaw[] {
  const { line, nameAt, valueAt } = given;
  const { takes } = directive;
  const text = line.slice(valueAt);
  if (takes.is === 'flag' && text !== '') {
    return [flaw(valueAt, `takes no value, but has ${quoted(text)}`)];
  }
  if (takes.is === 'flag' || (takes.is === 'choice' && text === '')) {
    draft.spec[takes.field] = true;
    return [];
  }
  if (text === '') return directive.blank ? [] : [flaw(nameAt, `needs ${directive.argument}`)];
  return takeText(line, valueAt, takes, draft);
}

const takers = { gpus: takeGpus, gang: takeGang, countable: takeCountable };

type WithText = Exclude<Takes, { readonly is: 'flag' }>;

function takeText(line: string, at: number, takes: WithText, draft: Draft): readonly Flaw[] {
  switch (takes.is) {
    case 'line': {
      const text = line.slice(at);
      const wrong =
        unprintable(text, at, takes.field === 'comment') ?? tooLong(text, at, takes.charsMax);
      if (!wrong) draft.spec[takes.field] = text;
      return wrong ? [wrong] : [];
    }
    case 'ports': {
      const ports = parsePorts(line.slice(at));
      if (isFlaw(ports)) return [shifted(ports, at)];
      draft.spec.ports = ports;
      return [];
    }
    case 'secret': {
      const words = wordsOf(line, at);
      const wrong = isFlaw(words) ? words : takeSecret(words, draft);
      return wrong ? [wrong] : [];
    }
    case 'gpus':
    case 'gang':
    case 'countable': {
      const words = wordsOf(line, at);
      const wrong = isFlaw(words) ? words : takers[takes.is](words, draft);
      return wrong ? [wrong] : [];
    }
    case 'names':
    case 'files':
    case 'env':
    case 'jobs': {
      const words = wordsOf(line, at);
      return isFlaw(words) ? [words] : takeWords(words, takes, draft);
    }
  }
  const words = wordsOf(line, at);
  if (isFlaw(words)) return [words];
  const [word, more] = words as readonly [Word, Word?];
  if (more) return [flaw(more.at, `takes one value; ${quoted(more.text)} is one too many`)];
  const wrong = takeWord(word, takes, draft);
  return wrong ? [wrong] : [];
}
