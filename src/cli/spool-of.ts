import { resolve } from 'node:path';
import { usualSpool } from '../connect.ts';
import { type Options, textOf } from './verb.ts';

/** The spool that is meant: named, or the user's own, or the machine's. */
export function spoolOf(options: Options): string {
  const named = textOf(options, 'spool') || process.env['SWM_SPOOL'];
  return named ? resolve(named) : usualSpool();
}
