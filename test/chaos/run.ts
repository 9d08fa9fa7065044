import { parseArgs } from 'node:util';
import { percentile } from '../../bench/rounds.ts';
import { type ChaosResult, chaos } from './chaos.ts';

/**
 * Real heads and workers, of which one is killed, stopped or cut off each round while clients go
 * on. What happens is told on stderr; the last line of stdout is JSON. Ends with 0 if all that was
 * promised was kept, 1 if not, 2 if it cannot run here.
 */

const USAGE = 'usage: chaos [--rounds N] [--seed S] [--json]';
const ROUNDS = 50;

function wishes(): { readonly rounds: number; readonly seed: number } {
  try {
    const { values } = parseArgs({
      options: {
        rounds: { type: 'string', default: `${ROUNDS}` },
        seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
        json: { type: 'boolean', default: false },
      },
    });
    const number = (text: string): number => {
      if (!/^\d{1,9}$/.test(text)) throw new Error(`${text} is not a number`);
      return Number(text);
    };
    return { rounds: number(values.rounds), seed: number(values.seed) };
  } catch (error) {
    process.stderr.write(`chaos: ${(error as Error).message}\n${USAGE}\n`);
    process.exit(2);
  }
}

const note = (text: string): void => void process.stderr.write(`chaos: ${text}\n`);
const { rounds, seed } = wishes();
if (process.platform !== 'linux') {
  note('it needs Linux, whose loopback has an address for each node');
  process.exit(2);
}
note(`seed ${seed}`);

try {
  const result = await chaos({ rounds, seed, note });
  process.exitCode = told(result) ? 0 : 1;
} catch (error) {
  note(`it did not come to its end: ${(error as Error).stack}`);
  process.exitCode = 1;
}

/** Says what was not kept, and then all in one line; gives whether everything was. */
function told({ rounds, acked, verdict, pauses }: ChaosResult): boolean {
  const faults = Object.entries(verdict).flatMap(([what, texts]) =>
    texts.map((text) => `${what}: ${text}`),
  );
  for (const fault of faults) note(fault);
  const took = pauses.map(({ ms }) => Math.round(ms));
  const failoverMs =
    took.length === 0 ? null : { p50: percentile(took, 0.5), max: Math.max(...took) };
  const line = {
    rounds,
    acked,
    lost: verdict.lost.length,
    doubled: verdict.doubled.length,
    // Any attempt beyond the first counts, also where none was begun before.
    disturbed: verdict.disturbed.length + verdict.recounted.length,
    failoverMs,
    recounted: verdict.recounted.length,
    wrong: verdict.wrong.length,
    seed,
  };
  process.stdout.write(`${JSON.stringify(line)}\n`);
  return faults.length === 0;
}
