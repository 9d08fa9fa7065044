import { limits } from '../limits.ts';
import type { Draft } from './draft.ts';
import { type Flaw, flaw, quoted } from './flaw.ts';
import { samePath, tooMany, twice, variableFlaw } from './lists.ts';
import { pathFlaw } from './paths.ts';
import type { SecretSpec } from './spec.ts';
import type { Word } from './words.ts';

const NAME = /^[A-Za-z][A-Za-z0-9._-]{0,63}$/;

/** Reads `NAME`, `NAME env VARIABLE` or `NAME file PATH`. */
export function takeSecret(words: readonly Word[], draft: Draft): Flaw | undefined {
  const [name, how, to, more] = words as readonly [Word, Word?, Word?, Word?];
  if (!NAME.test(name.text)) {
    const wanted = 'a letter, then letters, digits and ._- make one';
    return flaw(name.at, `${quoted(name.text)} is no name of a secret: ${wanted}`);
  }
  if (more) return flaw(more.at, `takes one secret; ${quoted(more.text)} is one too many`);
  if (how !== undefined && how.text !== 'env' && how.text !== 'file')
    return flaw(how.at, `wants env or file, not ${quoted(how.text)}`);
  if (how !== undefined && to === undefined)
    return flaw(how.at, `${how.text} needs ${how.text === 'env' ? 'a variable' : 'a path'}`);
  if (how?.text === 'file') return keep(draft, name, 'file', to as Word);
  return keep(draft, name, 'env', to ?? { ...name, text: variableOf(name.text) });
}

const variableOf = (name: string): string => name.toUpperCase().replaceAll(/[.-]/g, '_');

function keep(draft: Draft, name: Word, as: SecretSpec['as'], to: Word): Flaw | undefined {
  const wrong =
    as === 'env'
      ? (variableFlaw(to.text, to.at) ?? twice(draft, 'env', to.text, to))
      : fileFlaw(draft, to);
  if (wrong) return wrong;
  const many = draft.spec.secrets.push({ name: name.text, as, to: to.text });
  return tooMany(many, limits.secretsOfJobMax, name.at, 'secrets');
}

function fileFlaw(draft: Draft, to: Word): Flaw | undefined {
  if (to.expandsAt >= 0)
    return flaw(to.expandsAt, "no variable is put in here; quote it with ' if it is meant");
  return pathFlaw(to, 'inside') ?? twice(draft, 'secret file', samePath(to.text), to);
}
