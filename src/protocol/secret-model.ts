import Type, { type Static } from 'typebox';

/** Values of messages and records that are about secrets; in none of them is one. */

export const secretName = Type.String({ pattern: '^[A-Za-z][A-Za-z0-9._-]{0,63}$' });

/** A secret that a job gets, as a variable of its environment or as a file. */
export const SecretSpec = Type.Object({
  name: secretName,
  as: Type.Enum(['env', 'file']),
  to: Type.String({ maxLength: 4096 }),
});

/** What may be told of a secret. */
export const SecretRow = Type.Object({
  name: secretName,
  /** It is for everybody's jobs, not for those of one user. */
  shared: Type.Boolean(),
  /** When it was set last, ms since the epoch. */
  setAt: Type.Integer({ minimum: 0, maximum: 2 ** 52 }),
});
export type SecretRow = Static<typeof SecretRow>;

/** Each secret that a job names, once. */
export const secretNames = ({ secrets = [], containerLogin = '' }: Named): readonly string[] => [
  ...new Set([
    ...secrets.map(({ name }) => name),
    ...(containerLogin === '' ? [] : [containerLogin]),
  ]),
];

type Named = {
  readonly secrets?: readonly { readonly name: string }[];
  readonly containerLogin?: string;
};
