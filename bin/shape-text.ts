import type { TSchema } from 'typebox';
import { EntryChange, EntryRow, FieldValue } from '../src/protocol/entry-shapes.ts';
import { Invitation } from '../src/protocol/head-shapes.ts';
import {
  BlobRef,
  ClusterPhase,
  Failure,
  File,
  FlavorRow,
  ImageRow,
  JobLetter,
  JobPhase,
  JobRow,
  JobView,
  name,
  Resources,
  Spec,
  sha256,
  uuid,
} from '../src/protocol/model.ts';
import { SecretRow, secretName } from '../src/protocol/secret-model.ts';
import { ClusterRow, NodeRow, RemoteRow, SiteRow } from '../src/protocol/terminal-shapes.ts';

/** Shapes that are told once, by a name of their own. */
const named = {
  BlobRef,
  ClusterPhase,
  ClusterRow,
  EntryChange,
  EntryRow,
  Failure,
  FieldValue,
  File,
  FlavorRow,
  ImageRow,
  Invitation,
  JobLetter,
  JobPhase,
  JobRow,
  JobView,
  NodeRow,
  RemoteRow,
  Resources,
  SecretRow,
  SiteRow,
  Spec,
} as const;

/** Texts of a form, which have too little in them to be told on their own. */
const forms = { uuid, sha256, name, secretName } as const;

const names = new Map(
  Object.entries({ ...named, ...forms }).map(([known, shape]) => [JSON.stringify(shape), known]),
);

type Plain = {
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Plain[];
  readonly items?: Plain;
  readonly properties?: Readonly<Record<string, Plain>>;
  readonly required?: readonly string[];
  readonly patternProperties?: Readonly<Record<string, Plain>>;
  readonly maximum?: number;
  readonly maxLength?: number;
};

/** A shape as one line that reads like a type, with the names of those that have one. */
export const shapeText = (shape: TSchema): string => textOf(shape as Plain);

/** Each shape that has a name, and what it is. */
export const namedShapes: readonly (readonly [string, string])[] = Object.entries(named).map(
  ([known, shape]) => [known, insideOf(shape as Plain)],
);

function textOf(shape: Plain): string {
  return names.get(JSON.stringify(shape)) ?? insideOf(shape);
}

function insideOf(shape: Plain): string {
  const { type, enum: values, const: value, anyOf, items, properties, patternProperties } = shape;
  if (anyOf !== undefined) return anyOf.map(textOf).join(' | ');
  // Codes of failures have a table of their own.
  if (values !== undefined)
    return values.length > 20 ? 'code' : values.map((one) => JSON.stringify(one)).join(' | ');
  if (value !== undefined) return JSON.stringify(value);
  if (items !== undefined) return `[${textOf(items)}, …]`;
  if (patternProperties !== undefined)
    return `{ name: ${Object.values(patternProperties).map(textOf).join(' | ')}, … }`;
  if (type === 'object') return fieldsOf(properties ?? {}, shape.required ?? []);
  if (type === 'string') return shape.maxLength === undefined ? 'text' : `text(${shape.maxLength})`;
  return type === 'integer' ? 'integer' : (type ?? 'any');
}

function fieldsOf(
  properties: Readonly<Record<string, Plain>>,
  required: readonly string[],
): string {
  const fields = Object.entries(properties).map(
    ([field, shape]) => `${field}${required.includes(field) ? '' : '?'}: ${textOf(shape)}`,
  );
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}
