import { Packr } from 'msgpackr';
import { Failed } from './errors.ts';

/**
 * How one kind of record becomes bytes: a version, then the values of `fields` in their order. A
 * new version only adds fields at the end; `upgrade` fills in what an older one did not have.
 */
export type RecordKind<T> = {
  readonly kind: string;
  readonly version: number;
  readonly fields: readonly (keyof T & string)[];
  /** Makes a value of this version of one of an older version. */
  readonly upgrade?: (older: Record<string, unknown>, version: number) => Record<string, unknown>;
};

const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: true, int64AsType: 'number' });

export function encodeRecord<T extends object>(kind: RecordKind<T>, value: T): Uint8Array {
  const row: unknown[] = [kind.version];
  for (const field of kind.fields) row.push(value[field]);
  // A packed buffer is a view of an arena that is used again: what is kept must be a copy.
  return Uint8Array.prototype.slice.call(packr.pack(row));
}

export function decodeRecord<T extends object>(kind: RecordKind<T>, bytes: Uint8Array): T {
  const row: unknown = unpack(kind.kind, bytes);
  if (!Array.isArray(row) || !Number.isSafeInteger(row[0]))
    throw new Failed('bug', `a record of kind ${kind.kind} is damaged: restore from a backup`);
  const version = row[0] as number;
  if (version > kind.version)
    throw new Failed(
      'wrong_version',
      `a record of kind ${kind.kind} has version ${version}, and this swm knows up to ` +
        `${kind.version}: start the newer swm again`,
    );
  const value: Record<string, unknown> = {};
  kind.fields.forEach((field, i) => {
    if (i + 1 < row.length) value[field] = row[i + 1];
  });
  return (version < kind.version && kind.upgrade ? kind.upgrade(value, version) : value) as T;
}

function unpack(kind: string, bytes: Uint8Array): unknown {
  try {
    return packr.unpack(bytes);
  } catch {
    throw new Failed('bug', `a record of kind ${kind} cannot be read: restore from a backup`);
  }
}
