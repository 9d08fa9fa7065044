import type { TSchema } from 'typebox';
import { Compile, type Validator } from 'typebox/compile';
import { Malformed } from '../errors.ts';
import type { Name } from '../messages.ts';
import { shapes } from '../shapes.ts';
import type { BodyChecks } from './envelope-row.ts';

type Compiled = Validator<Record<never, never>, TSchema>;

/** Compiled when first met: all at once would double the time that a node takes to start. */
const bodies = new Map<Name, Compiled>();
const replies = new Map<Name, Compiled>();

/** Holds bodies and answers against their shapes. Fields that a shape does not name pass unseen. */
export const bodyChecks: BodyChecks = {
  body: (name, body) => checked(compiled(bodies, name, 'body'), body),
  reply: (name, body) => checked(compiled(replies, name, 'reply'), body),
};

function compiled(cache: Map<Name, Compiled>, name: Name, part: 'body' | 'reply'): Compiled {
  const found = cache.get(name);
  if (found !== undefined) return found;
  const made = Compile(shapes[name][part] as TSchema);
  cache.set(name, made);
  return made;
}

function checked(shape: Compiled, body: object): object {
  if (shape.Check(body)) return body;
  const [error] = shape.Errors(body);
  const { requiredProperties } = (error?.params ?? {}) as { requiredProperties?: string[] };
  const missing = requiredProperties?.[0];
  const at = pathOf(error?.instancePath ?? '');
  if (missing !== undefined) throw new Malformed(`${at}.${missing}`, 'is missing');
  throw new Malformed(at, (error?.message ?? 'does not fit').slice(0, messageCharsMax));
}

const messageCharsMax = 200;
const pathCharsMax = 200;

/** A JSON pointer as a path: `/nodes/0/name` is `$.nodes[0].name`. */
const pathOf = (pointer: string): string =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .reduce((path, part) => path + part, '$')
    .slice(0, pathCharsMax);
