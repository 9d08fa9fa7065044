import type { TSchema } from 'typebox';
import { Value } from 'typebox/value';
import { nearest } from './protocol/didyoumean.ts';

/** What is wrong with one key, in words for whoever wrote it. */
export type ConfigError = { readonly key: readonly string[]; readonly text: string };

const ERRORS_MAX = 10;

/** All that does not fit, each once; an unknown key with the one that was probably meant. */
export function configErrors(
  schema: TSchema,
  config: unknown,
  defaults: unknown,
): readonly ConfigError[] {
  const found = new Map<string, ConfigError>();
  for (const error of Value.Errors(schema, config)) {
    const key = error.instancePath.split('/').slice(1);
    for (const each of told(error.keyword, error.params, key, error.message, defaults)) {
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
  defaults: unknown,
): readonly ConfigError[] {
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
        text: `is unknown; ${hint(extra, key, defaults)}`,
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

function hint(extra: string, key: readonly string[], defaults: unknown): string {
  const beside = key.reduce<unknown>(
    (at, part) => (at as Record<string, unknown> | undefined)?.[part],
    defaults,
  );
  const known = Object.keys((beside as object | undefined) ?? {});
  const meant = nearest(extra, known);
  return meant === undefined ? `known are ${known.join(', ')}` : `did you mean ${meant}?`;
}
