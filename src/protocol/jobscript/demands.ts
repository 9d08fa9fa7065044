import { limits } from '../limits.ts';
import type { Draft } from './draft.ts';
import { type Flaw, flaw, quoted } from './flaw.ts';
import { tooMany, twice } from './lists.ts';
import type { Word } from './words.ts';

/** Directives that ask for several things in a few words: gpus of a kind, a gang, countables. */

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const MADE = 'letters, digits and ._- make one';

const isWhole = (text: string, min: number, max: number): boolean =>
  /^\d{1,9}$/.test(text) && Number(text) >= min && Number(text) <= max;

/** Reads `N` or `KIND:N`. */
export function takeGpus(words: readonly Word[], draft: Draft): Flaw | undefined {
  const [{ text, at }, more] = words as readonly [Word, Word?];
  if (more) return flaw(more.at, `takes one value; ${quoted(more.text)} is one too many`);
  const colon = text.indexOf(':');
  const [kind, count] = [text.slice(0, Math.max(0, colon)), text.slice(colon + 1)];
  if (colon >= 0 && !NAME.test(kind)) return flaw(at, `${quoted(kind)} is no kind of gpu: ${MADE}`);
  const [min, max] = [colon < 0 ? 0 : 1, limits.gpusMax];
  if (!isWhole(count, min, max)) {
    const wanted = `wants a whole number from ${min} to ${max}`;
    return flaw(at + colon + 1, `${wanted}, not ${quoted(count)}`);
  }
  draft.spec.gpus = Number(count);
  draft.spec.gpuKind = kind;
  return undefined;
}

/** Reads `ID` or `ID SIZE`. */
export function takeGang(words: readonly Word[], draft: Draft): Flaw | undefined {
  const [id, size, more] = words as readonly [Word, Word?, Word?];
  if (!NAME.test(id.text)) return flaw(id.at, `${quoted(id.text)} is no name of a gang: ${MADE}`);
  if (more) return flaw(more.at, `takes an id and a size; ${quoted(more.text)} is one too many`);
  if (size !== undefined && !isWhole(size.text, 1, limits.gangMax)) {
    const wanted = `wants the jobs of the gang, from 1 to ${limits.gangMax}`;
    return flaw(size.at, `${wanted}, not ${quoted(size.text)}`);
  }
  draft.spec.gang = id.text;
  draft.spec.gangSize = Number(size?.text ?? 0);
  return undefined;
}

/** Reads `NAME` or `NAME N`. */
export function takeCountable(words: readonly Word[], draft: Draft): Flaw | undefined {
  const [name, count, more] = words as readonly [Word, Word?, Word?];
  if (!NAME.test(name.text))
    return flaw(name.at, `${quoted(name.text)} is no name of a resource: ${MADE}`);
  if (more) return flaw(more.at, `takes a name and a number; ${quoted(more.text)} is one too many`);
  if (count !== undefined && !isWhole(count.text, 1, limits.namedCountMax)) {
    const wanted = `wants a whole number from 1 to ${limits.namedCountMax}`;
    return flaw(count.at, `${wanted}, not ${quoted(count.text)}`);
  }
  const again = twice(draft, 'countables', name.text, name);
  if (again) return again;
  draft.spec.countables[name.text] = Number(count?.text ?? 1);
  const all = Object.keys(draft.spec.countables).length;
  return tooMany(all, limits.namedMax, name.at, 'resources');
}
