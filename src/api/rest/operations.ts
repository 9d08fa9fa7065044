import type { FastifySchema } from 'fastify';
import Type, { type TSchema } from 'typebox';
import { errors } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import { messages, type Name } from '../../protocol/messages.ts';
import { shapes } from '../../protocol/shapes.ts';

/** What a route takes and gives, as its description tells. */
export type Operation = FastifySchema & {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
};

const Problem = Type.Object(
  {
    type: Type.String({ description: '`urn:swm:error:` and the code.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String({ description: 'What is wrong, in words for the user.' }),
    code: Type.Enum(Object.keys(errors)),
    retry: Type.Boolean({ description: 'Whether the same request may succeed later.' }),
    mend: Type.String({ description: 'What the reader can do about it.' }),
  },
  { title: 'Problem' },
);

const json = (schema: TSchema, description = 'done') => ({
  description,
  content: { 'application/json': { schema } },
});
const bytes = Type.String({ format: 'binary' });

/** What each route may answer instead. */
const problems = {
  default: {
    description: 'a problem',
    content: { 'application/problem+json': { schema: Problem } },
  },
};

const tagOf = (name: Name): string => name.split('.')[0] ?? '';

type Properties = Readonly<Record<string, TSchema>>;

/** The description of a call of the table, by its route. */
export function schemaOf(name: Name, route: string): Operation {
  const properties = (shapes[name].body as unknown as { properties?: Properties }).properties ?? {};
  const inPath = [...route.matchAll(/\{(\w+)\}/g)].map(([, field = '']) => field);
  const rest = Object.entries(properties).filter(([field]) => !inPath.includes(field));
  const others = Type.Object(Object.fromEntries(rest));
  const params = Type.Object(
    Object.fromEntries(inPath.map((field) => [field, properties[field] ?? Type.String()])),
  );
  const isPost = route.startsWith('POST ');
  return {
    operationId: name,
    summary: messages[name].help,
    tags: [tagOf(name)],
    ...(inPath.length > 0 && { params }),
    ...(rest.length > 0 && (isPost ? { body: others } : { querystring: others })),
    response: {
      200: json(shapes[name].reply),
      ...(route.startsWith('GET ') && { 304: { description: 'you have it already' } }),
      ...problems,
    },
  };
}

/** A script as it stands, or in a form. */
export const scriptBodies = {
  content: {
    'text/plain': { schema: Type.String({ maxLength: limits.scriptBytesMax }) },
    'multipart/form-data': { schema: Type.Object({ script_content: bytes }) },
  },
};

const { script, ...more } = shapes['job.submit'].body.properties;

export const submitSchema: Operation = {
  operationId: 'job.submit',
  summary: messages['job.submit'].help,
  tags: ['job'],
  headers: Type.Object({
    'idempotency-key': Type.Optional(
      Type.String({
        maxLength: 200,
        description: 'The same key with the same request gives the same job.',
      }),
    ),
  }),
  body: {
    content: {
      'application/json': { schema: Type.Partial(Type.Object({ script, ...more })) },
      ...scriptBodies.content,
    },
  },
  response: { 201: json(shapes['job.submit'].reply, 'it is kept'), ...problems },
};

type Plain = {
  readonly operationId: string;
  readonly summary: string;
  readonly tag: string;
  readonly params?: Properties;
  readonly query?: Properties;
};

const described = ({ operationId, summary, tag, params, query }: Plain) => ({
  operationId,
  summary,
  tags: [tag],
  ...(params !== undefined && { params: Type.Object(params) }),
  ...(query !== undefined && { querystring: Type.Object(query) }),
});

/** What may come instead: a problem, unless the route has another way to tell. */
const instead = (error: TSchema | undefined) =>
  error === undefined ? problems : { default: json(error, 'why not') };

/** The description of a route that gives bytes, or a part of a file. */
export const fileSchema = (
  plain: Plain,
  type = 'application/octet-stream',
  error?: TSchema,
  others: object = {},
): Operation => ({
  ...described(plain),
  response: {
    200: { description: 'all of it', content: { [type]: { schema: bytes } } },
    ...others,
    ...instead(error),
  },
});

/** What a file may be answered with, where a part of it is asked for, or it is known. */
export const filePart = {
  206: { description: 'a part of it', content: { 'application/octet-stream': { schema: bytes } } },
  304: { description: 'you have it already' },
};

/** The description of any other route that answers with JSON. */
export const jsonSchema = (
  plain: Plain,
  reply: TSchema,
  error?: TSchema,
  others: object = {},
): Operation => ({
  ...described(plain),
  response: { 200: json(reply), ...others, ...instead(error) },
});
