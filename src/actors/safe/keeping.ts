import { decodeRecord, encodeRecord, type RecordKind } from '../../protocol/records.ts';
import type { Keeping } from '../../runtime/family.ts';
import type { Records } from '../../runtime/ports.ts';
import { load } from '../../runtime/record.ts';
import type { Safe, Sealed } from './safe.ts';

const kind: RecordKind<Sealed> = {
  kind: 'secret',
  version: 1,
  fields: ['owner', 'name', 'sealed', 'setAt'],
};

/** Each secret is a part of its own, under its name. An empty safe is none. */
export const keeping: Keeping<Safe> = {
  scope: 'control',
  split: ({ secrets }) => Object.fromEntries(secrets.map((secret) => [secret.name, secret])),
  join(parts) {
    const secrets = Object.values(parts) as Sealed[];
    return { phase: 'shut', owner: secrets[0]?.owner ?? '', secrets };
  },
  encode: (_, value) => encodeRecord(kind, value as Sealed),
  decode: (_, bytes) => decodeRecord(kind, bytes),
  index: () => [],
};

/** What is kept of an owner, by the committed records. */
export const secretsOf = (store: Records, owner: string): readonly Sealed[] =>
  load(store, keeping, `/safes/${owner}`)?.state.secrets ?? [];
