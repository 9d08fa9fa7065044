import { decodeRecord, encodeRecord, type RecordKind } from '../protocol/records.ts';
import type { Keeping } from '../runtime/family.ts';

const HEAD = 'head';

/** Keeps a state as one part. */
export function whole<S extends object>(
  scope: Keeping<S>['scope'],
  kind: RecordKind<S>,
  index: Keeping<S>['index'] = () => [],
): Keeping<S> {
  return {
    scope,
    split: (state) => ({ [HEAD]: state }),
    join: (parts) => parts[HEAD] as S,
    encode: (_, value) => encodeRecord(kind, value as S),
    decode: (_, bytes) => decodeRecord(kind, bytes),
    index,
  };
}

/** Text of 15 digits that sorts as the instant does. */
export const sortable = (instant: number): string => String(instant).padStart(15, '0');
