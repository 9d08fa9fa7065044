import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { nearest } from './didyoumean.ts';

/** What is wrong with one key, in words for whoever wrote it. */
export type ShapeError = { readonly key: readonly string[]; readonly text: string };

const ERRORS_MAX = 10;

/** All that does not fit, each once; an unknown key with the one of `like` probably meant. */
export function shapeErrors(shape: TSchema, value: unknown, like: unknown): readonly ShapeError[] {
  const found = new Map<string, ShapeError>();
  for (const error of Value.Errors(shape, value)) {
    const key = error.instancePath.split('/').slice(1);
    for (const each of told(error.keyword, error.params, key, error.message, like)) {
      const name = each.key.join('.');
      if (!found.has(name)) found.set(name, each);
    }
  }
  return [...found.values()].slice(0, ERRORS_MAX);
}

function told(
  keyword: string,
  params: object,
  key: readonly string[],
  message: string,
  like: unknown,
): readonly ShapeError[] {
  const { additionalProperties, requiredProperties, allowedValues } = params as {
    additionalProperties?: readonly string[];
    requiredProperties?: readonly string[];
    allowedValues?: readonly unknown[];
  };
  switch (keyword) {
    // What is refused for being there is told by the one that refuses it.
    case 'boolean':
      return [];
    case 'additionalProperties':
      return (additionalProperties ?? []).map((extra) => ({
        key: [...key, extra],
        text: `is unknown; ${hint(extra, key, like)}`,
      }));
    case 'required':
      return (requiredProperties ?? []).map((name) => ({
        key: [...key, name],
        text: 'is missing',
      }));
    case 'enum':
      return [{ key, text: `must be ${(allowedValues ?? []).join(' or ')}` }];
    default:
      return [{ key, text: message }];
  }
}

function hint(extra: string, key: readonly string[], like: unknown): string {
  const beside = key.reduce<unknown>(
    (at, part) => (at as Record<string, unknown> | undefined)?.[part],
    like,
  );
  const known = Object.keys((beside as object | undefined) ?? {});
  const meant = nearest(extra, known);
  return meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${meant}?`;
}
