import { chownSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/**
 * A folder beside an attempt's record, in which its container says that it begins: by a file that
 * can be made once. Whoever wants it never to begin, such as a guard, makes that file first.
 */

const claimOf = (record: string): string => record.replace(/record$/, 'claim');

/** What is to begin must find the folder, and be able to write to it. */
export function makeClaim(record: string, uid: number, gid: number): string {
  const path = claimOf(record);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (process.geteuid?.() === 0) chownSync(path, uid, gid);
  return path;
}

export const hasClaim = (record: string): boolean => existsSync(claimOf(record));

export const hasBegun = (record: string): boolean => existsSync(join(claimOf(record), 'begun'));

/** It was started once more, and did nothing then: how it ended the first time is not known. */
export const beganAgain = (record: string): boolean => existsSync(join(claimOf(record), 'again'));

/** The records beside which there is one, be they there or not. */
export const claimsIn = (directory: string): readonly string[] =>
  (existsSync(directory) ? readdirSync(directory) : [])
    .filter((name) => name.endsWith('.claim'))
    .map((name) => join(directory, name.replace(/claim$/, 'record')));

export const removeClaim = (record: string): void =>
  rmSync(claimOf(record), { recursive: true, force: true });
