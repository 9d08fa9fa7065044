import { emptySpec, type JobSpec, type SecretSpec } from './spec.ts';
import type { ListField } from './takes.ts';

/** A spec while its script is read. */
export type Draft = {
  readonly file: string;
  /** The line being read, from 1. */
  line: number;
  readonly spec: { -readonly [K in Exclude<keyof JobSpec, keyof Growing>]: JobSpec[K] } & Growing;
  /** UTF-8 bytes that lists have taken so far, by the list's name. */
  readonly bytes: Map<string, number>;
  /** Where each thing was first given that may be given once, as `FILE:line:column`. */
  readonly places: Map<string, string>;
};

/** The lists of a spec, added to in place, so that a long script costs no more than its length. */
type Growing = { readonly [K in ListField]: string[] } & {
  readonly env: Record<string, string>;
  readonly countables: Record<string, number>;
  readonly secrets: SecretSpec[];
  readonly after: { readonly when: JobSpec['after'][number]['when']; readonly jobs: string[] }[];
};

export const newDraft = (file: string): Draft => ({
  file,
  line: 1,
  spec: {
    ...emptySpec,
    inputFiles: [],
    outputFiles: [],
    storage: [],
    constraint: [],
    countables: {},
    env: {},
    secrets: [],
    after: [],
  },
  bytes: new Map(),
  places: new Map(),
});

/** Where `thing` was given before; if it was not, it is now, at that character of the line. */
export function givenBefore(draft: Draft, thing: string, at: number): string | undefined {
  const place = draft.places.get(thing);
  if (place === undefined) draft.places.set(thing, `${draft.file}:${draft.line}:${at + 1}`);
  return place;
}

/** Adds to the bytes of a list and tells their sum. */
export function addBytes(draft: Draft, list: string, bytes: number): number {
  const sum = (draft.bytes.get(list) ?? 0) + bytes;
  draft.bytes.set(list, sum);
  return sum;
}
