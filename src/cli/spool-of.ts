import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Options, textOf } from './verb.ts';

/** The spool that is meant: named, or the user's own, or the machine's. */
export function spoolOf(options: Options): string {
  const named = textOf(options, 'spool') ?? process.env['SWM_SPOOL'];
  if (named !== undefined && named !== '') return resolve(named);
  const own = join(homedir(), '.swm', 'spool');
  const shared = '/opt/swm/spool';
  return !existsSync(own) && existsSync(shared) ? shared : own;
}
