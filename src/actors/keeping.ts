import { decodeRecord, encodeRecord, type RecordKind } from '../protocol/records.ts';
import type { Keeping } from '../runtime/family.ts';

const HEAD = 'head';
const NOTHING: Readonly<Record<string, unknown>> = {};

export type Whole<S> = {
  readonly scope: Keeping<S>['scope'];
  readonly kind: RecordKind<S>;
  readonly index: Keeping<S>['index'];
  /** Of such a state nothing is kept: its record is deleted. */
  readonly isErased: (state: S) => boolean;
};

/** Keeps a state as one part. */
export const whole = <S extends object>({
  scope,
  kind,
  index,
  isErased,
}: Whole<S>): Keeping<S> => ({
  scope,
  split: (state) => (isErased(state) ? NOTHING : { [HEAD]: state }),
  join: (parts) => parts[HEAD] as S,
  encode: (_, value) => encodeRecord(kind, value as S),
  decode: (_, bytes) => decodeRecord(kind, bytes),
  index: (state, path) => (isErased(state) ? [] : index(state, path)),
});

/** Text of 15 digits that sorts as the instant does. */
export const sortable = (instant: number): string => String(instant).padStart(15, '0');

/** Index of what is over and kept for a while, by the instant since when it is. */
export const TOMBS = '/tombs';
export const tomb = (since: number): string => `${TOMBS}/${sortable(since)}`;
