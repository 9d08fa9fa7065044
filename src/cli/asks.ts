import { type Flag, type Options, textOf } from './verb.ts';

/** Directives that may stand on the command line, and what each takes there. */
const asks = {
  nodes: 'n',
  cpus: 'n',
  gpus: 'n',
  memory: 'bytes',
  time: 'time',
  flavor: 'name',
  account: 'name',
  'container-image': 'image',
  array: 'range',
} as const;

export const askFlags: readonly Flag[] = Object.entries(asks).map(([directive, takes]) => [
  `--${directive} <${takes}>`,
  `as \`${directive}\` of a script`,
]);

/** A directive and its argument. */
export type Ask = readonly [directive: string, text: string];

/** Those that are given. */
export const asksOf = (options: Options): readonly Ask[] =>
  Object.keys(asks).flatMap((directive) => {
    const option = directive.replace(/-(.)/, (_, letter: string) => letter.toUpperCase());
    const text = textOf(options, option);
    return text === undefined ? [] : [[directive, text] as const];
  });
