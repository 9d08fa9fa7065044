import { createInterface } from 'node:readline/promises';

/** Whether somebody sits there who could answer a question. */
export const canAsk = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true;

/** Puts a question on stderr, since results go to stdout; gives the line that is typed. */
export async function answerTo(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return (await lines.question(question)).trim();
  } finally {
    lines.close();
  }
}
