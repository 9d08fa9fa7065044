import { fork } from 'node:child_process';
import { parseArgs } from 'node:util';
import { type Kind, live, type Result } from './seed.ts';

/**
 * Lives many days, two at a time. A line for each seed that fails; the last line is JSON. Without
 * `--seeds` it goes on until it is stopped. With `--lives` they are rushes, of clusters that are
 * made and removed at the worst of sites, until there were so many. Ends with 0 if all held, 1 if
 * not, 2 if not understood.
 */

const USAGE = 'usage: sim [--seeds N | --lives N] [--from S] [--story] [--hash]';
const PROCESSES = 2;

type Wishes = {
  seeds: number;
  lives: number;
  kind: Kind;
  from: number;
  story: boolean;
  hash: boolean;
};

function wishes(): Wishes {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: 'string' },
        lives: { type: 'string' },
        from: { type: 'string', default: '1' },
        story: { type: 'boolean', default: false },
        hash: { type: 'boolean', default: false },
      },
    });
    const number = (text: string): number => {
      if (!/^\d+$/.test(text)) throw new Error(`${text} is not a number`);
      return Number(text);
    };
    const orAll = (text: string | undefined): number =>
      text === undefined ? Number.POSITIVE_INFINITY : number(text);
    return {
      seeds: orAll(values.seeds),
      lives: orAll(values.lives),
      kind: values.lives === undefined ? 'day' : 'rush',
      from: number(values.from),
      story: values.story,
      hash: values.hash,
    };
  } catch (error) {
    process.stderr.write(`sim: ${(error as Error).message}\n${USAGE}\n`);
    process.exit(2);
  }
}

/** A process that lives the days that it is told to. */
function serve(kind: Kind): void {
  process.on('message', async (seed: number) => {
    process.send?.(await live(seed, kind));
  });
}

async function main({ seeds, lives, kind, from, story, hash }: Wishes): Promise<void> {
  const began = performance.now();
  const failed: number[] = [];
  let [next, done, lived, stopped] = [from, 0, 0, false];
  const tell = (result: Result): void => {
    const { seed, invariant, at } = result;
    done++;
    lived += result.lives;
    if (hash) process.stdout.write(`seed=${seed} hash=${result.hash}\n`);
    if (invariant !== '') {
      failed.push(seed);
      process.stdout.write(`seed=${seed} invariant=${invariant} at=${at}\n`);
      process.stderr.write(`seed ${seed}: ${result.text}\n`);
    }
    if (story) process.stderr.write(`${result.story.join('\n')}\n`);
  };
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const child = fork(import.meta.filename, ['--child', kind]);
      const give = (): void => {
        if (stopped || next >= from + seeds || lived >= lives) child.disconnect();
        else child.send(next++);
      };
      child.on('message', (result: Result) => {
        tell(result);
        give();
      });
      child.once('error', reject);
      child.once('exit', (code) =>
        code === 0 || stopped ? resolve() : reject(new Error(`a process ended with ${code}`)),
      );
      give();
    });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      stopped = true;
    });
  await Promise.all(Array.from({ length: Math.min(PROCESSES, seeds) }, one));
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  const firstFailed = failed.length > 0 ? Math.min(...failed) : null;
  const counted = kind === 'rush' ? { lives: lived } : {};
  const last = { seeds: done, ...counted, failed: failed.length, firstFailed, seconds };
  process.stdout.write(`${JSON.stringify(last)}\n`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}

if (process.argv[2] === '--child') serve(process.argv[3] as Kind);
else await main(wishes());
