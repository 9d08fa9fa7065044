import fc from 'fast-check';
import type { TSchema } from 'typebox';
import type { Envelope } from '../../../src/protocol/envelope.ts';
import { errors } from '../../../src/protocol/errors.ts';
import { type Message, messages, type Name } from '../../../src/protocol/messages.ts';
import { shapes } from '../../../src/protocol/shapes.ts';

type Plain = {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly TSchema[];
  readonly items?: TSchema | readonly TSchema[];
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, TSchema>>;
  readonly patternProperties?: Readonly<Record<string, TSchema>>;
};

/** Values that fit a shape, of all the kinds that our shapes are made of. */
export function fitting(schema: TSchema): fc.Arbitrary<unknown> {
  const shape = schema as Plain;
  if (shape.const !== undefined) return fc.constant(shape.const);
  if (shape.enum !== undefined) return fc.constantFrom(...shape.enum);
  if (shape.anyOf !== undefined) return fc.oneof(...shape.anyOf.map(fitting));
  switch (shape.type) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'integer':
      return fc.integer({
        min: shape.minimum ?? Number.MIN_SAFE_INTEGER,
        max: shape.maximum ?? Number.MAX_SAFE_INTEGER,
      });
    case 'number':
      return fc
        .double({
          noNaN: true,
          min: shape.exclusiveMinimum ?? shape.minimum ?? -1e15,
          minExcluded: shape.exclusiveMinimum !== undefined,
          max: shape.maximum ?? 1e15,
        })
        .map((value) => (Object.is(value, -0) ? 0 : value));
    case 'string':
      return textOf(shape);
    case 'array':
      return listOf(shape);
    default:
      return objectOf(shape);
  }
}

function listOf({ items, minItems = 0, maxItems = 3 }: Plain): fc.Arbitrary<unknown> {
  if (Array.isArray(items)) return fc.tuple(...(items as readonly TSchema[]).map(fitting));
  const maxLength = Math.max(minItems, Math.min(maxItems, 3));
  return fc.array(fitting(items as TSchema), { minLength: minItems, maxLength });
}

function textOf({ pattern, maxLength }: Plain): fc.Arbitrary<string> {
  if (pattern?.includes('(?!')) return fc.constantFrom('a', 'data/in.txt', '..x/y', 'ä/ö');
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  return fc.string({ unit: 'grapheme', maxLength: Math.min(maxLength ?? 20, 20) });
}

function objectOf({ properties, required, patternProperties }: Plain): fc.Arbitrary<unknown> {
  if (patternProperties !== undefined) {
    const key = fc.string({ maxLength: 10 }).filter((name) => name !== '__proto__');
    const value = fitting(Object.values(patternProperties)[0]!);
    return fc.dictionary(key, value, { maxKeys: 4, noNullPrototype: true });
  }
  // What has no properties is bytes.
  if (properties === undefined)
    return fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes));
  const fields = Object.entries(properties).map(([name, field]) => [name, fitting(field)] as const);
  return fc.record(Object.fromEntries(fields), {
    requiredKeys: [...(required ?? [])] as never[],
    noNullPrototype: true,
  });
}

export const names = Object.keys(messages) as Name[];

const ask = fc.nat({ max: 2 ** 53 - 1 });
const who = fc.record(
  {
    door: fc.constantFrom('terminal' as const, 'worker' as const),
    id: fc.string({ maxLength: 50 }),
    adminOf: fc.string({ maxLength: 50 }),
  },
  { noNullPrototype: true, requiredKeys: ['door', 'id'] },
);

const failures = fc.record(
  {
    code: fc.constantFrom(...(Object.keys(errors) as (keyof typeof errors)[])),
    text: fc.string({ maxLength: 50 }),
    retry: fc.boolean(),
  },
  { noNullPrototype: true },
);

const callsOf = (name: Name): fc.Arbitrary<Envelope> =>
  fc
    .tuple(fc.string({ maxLength: 100 }), ask, fitting(shapes[name].body), who, fc.boolean())
    .map(([to, id, body, speaker, forwarded]) => {
      const call = { is: 'call' as const, to, ask: id, message: { name, body } as Message };
      return forwarded ? { ...call, who: speaker } : call;
    });

const repliesOf = (name: Name): fc.Arbitrary<Envelope> =>
  fc
    .tuple(ask, fitting(shapes[name].reply))
    .map(([id, body]) => ({ is: 'reply', ask: id, name, body: body as object }));

/** Whatever may go over a link. */
export const envelopes: fc.Arbitrary<Envelope> = fc.oneof(
  { weight: 4, arbitrary: fc.oneof(...names.map(callsOf)) },
  { weight: 3, arbitrary: fc.oneof(...names.map(repliesOf)) },
  fc.record({ is: fc.constant('refused' as const), ask, failure: failures }),
  fc.record({ is: fc.constant('watch' as const), watch: ask, path: fc.string({ maxLength: 100 }) }),
  fc.record({ is: fc.constant('unwatch' as const), watch: ask }),
  fc.record({ is: fc.constant('down' as const), watch: ask, why: fc.string({ maxLength: 100 }) }),
);
