import { Malformed } from '../../protocol/errors.ts';

/**
 * A word as any POSIX shell reads it back: nothing in it is special. This is the only way in which
 * texts come into a command for another machine.
 */
export function quote(word: string): string {
  if (word.includes('\0')) throw new Malformed('$.argument', 'a text without a zero byte');
  return /^[A-Za-z0-9_./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A command whose words arrive as they are. */
export const commandLine = (words: readonly string[]): string => words.map(quote).join(' ');
