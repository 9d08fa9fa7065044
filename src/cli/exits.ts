import { type Code, errors, Failed, Malformed } from '../protocol/errors.ts';
import type { Screen } from './screen.ts';

/** How a command ends; scripts count on these. */
export const exits = {
  good: 0,
  fault: 1,
  usage: 2,
  noConnection: 3,
  refused: 4,
  notFound: 5,
  /** A failure of ours where the number would be taken for the job's own. */
  ours: 125,
  /** Plus the number of the signal. */
  signal: 128,
} as const;

const byCode: Partial<Readonly<Record<Code, number>>> = {
  malformed: exits.usage,
  bad_script: exits.usage,
  unreachable: exits.noConnection,
  timeout: exits.noConnection,
  stopping: exits.noConnection,
  unknown_outcome: exits.noConnection,
  not_found: exits.notFound,
};

export const exitOf = (code: Code): number => byCode[code] ?? exits.refused;

/** What was wrong with the command line itself, or with a file that it names. */
export class Usage extends Error {
  override readonly name = 'Usage';
}

/** Tells what went wrong and what can be done about it, and gives the exit code. */
export function explain(screen: Screen, error: unknown): number {
  if (error instanceof Usage || error instanceof Malformed) {
    tell(screen, 'malformed', error.message, error instanceof Usage);
    return exits.usage;
  }
  if (error instanceof Failed) {
    const { code, text } = error.failure;
    tell(screen, code, text, code === 'bad_script');
    return exitOf(code);
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  tell(screen, 'bug', text, false);
  return exits.fault;
}

/** `bare`: the text says all, as a compiler's would. */
function tell(screen: Screen, code: Code, text: string, bare: boolean): void {
  const { mend, retry } = errors[code];
  if (screen.json) screen.printJson({ error: { code, text, retry, mend } });
  if (bare) return screen.note(text);
  screen.note(`swm: ${text} [${code}]`);
  screen.note(`     ${mend}`);
}
