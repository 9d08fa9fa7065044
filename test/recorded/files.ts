import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Range } from '../../src/runtime/ports.ts';

/** Where every version of swm has left what it wrote: a folder each, never changed afterwards. */
export const fixtures = join(import.meta.dirname, '..', 'fixtures');

const versionOf = (folder: string): number => Number(/^v(\d+)$/.exec(folder)?.[1] ?? 0);

/** The numbers of the recorded versions, the oldest first. */
export const recordedVersions = (): readonly number[] =>
  readdirSync(fixtures)
    .map(versionOf)
    .filter((version) => version > 0)
    .sort((a, b) => a - b);

export const folderOf = (version: number): string => join(fixtures, `v${version}`);

export function readJson<T>(version: number, name: string): T {
  return JSON.parse(readFileSync(join(folderOf(version), name), 'utf8')) as T;
}

/** Frames in one file, each behind its length in four bytes, the highest first. */
export function joinFrames(frames: readonly Uint8Array[]): Uint8Array {
  const parts = frames.flatMap((frame) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(frame.length);
    return [length, frame];
  });
  return Buffer.concat(parts);
}

export function readFrames(version: number, name: string): readonly Uint8Array[] {
  const bytes = readFileSync(join(folderOf(version), name));
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + 4 + bytes.readUInt32BE(at);
    if (end > bytes.length) throw new Error(`${name} of version ${version} is cut off`);
    frames.push(new Uint8Array(bytes.subarray(at + 4, end)));
    at = end;
  }
  return frames;
}

/** What is known of one record besides its bytes. */
export type RecordNote = { readonly kind: string; readonly path: string; readonly state: object };

export type Database = {
  readonly term: number;
  readonly keys: readonly string[];
  readonly records: readonly RecordNote[];
};

export const scopes = ['control', 'node'] as const;
export type Scope = (typeof scopes)[number];

export const databaseName = (scope: Scope): string => `${scope}.json`;

/** The folder of the LMDB environment as it was closed. */
export const environmentOf = (version: number, scope: Scope): string =>
  join(folderOf(version), `${scope}-store`);

/** Every key of a store. */
export const all: Range = { from: '', to: '\u{10FFFF}', limit: Number.MAX_SAFE_INTEGER };
