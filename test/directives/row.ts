import type { JobSpec } from '../../src/protocol/jobscript/spec.ts';

/** What a directive reads and what it refuses; the script is called `job.sh`. */
export type Row = {
  /** What may stand behind the name (`\n#SWM …` goes on), and what it makes of the empty spec. */
  readonly good: readonly (readonly [value: string, asked: Partial<JobSpec>])[];
  /**
   * What may not, and the whole error without the file: `line:column: text`. A name begins in
   * column 6, its value in column 7 + the length of the name.
   */
  readonly bad: readonly (readonly [value: string, error: string])[];
};

export const ID = '0197f3a2-5b1c-7d2e-8f30-a1b2c3d4e5f6';

export const long = (count: number): string => 'x'.repeat(count);
