import type { Millis } from '../runtime/ports.ts';
import { bell, type Dice, diceOf } from './dice.ts';
import type { Past, Trace } from './trace.ts';

/**
 * Made-up traces that look like those of real machines: most come by day and on weekdays, most ask
 * for powers of two, run times are spread over orders of magnitude, and hardly anybody says well
 * for how long they will run.
 */
export type Making = {
  readonly seed: number;
  readonly nodes: number;
  /** Of each node. */
  readonly cpus: number;
  readonly days: number;
  /** The part of all processors that they take, if none is ever lost. */
  readonly load: number;
  /** No job wants more nodes. */
  readonly nodesMax: number;
  /** About how long half of them run at most, and how far the rest is spread (of its logarithm). */
  readonly medianMs: Millis;
  readonly spread: number;
};

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** A Monday. */
const STARTS_AT = Date.UTC(2024, 0, 1);
const USERS = 40;
const ACCOUNTS = 8;

/** What comes in each hour of a day, beside the busiest. */
const hours = [
  ...[0.25, 0.2, 0.15, 0.12, 0.12, 0.15, 0.25, 0.45, 0.7, 0.9, 1, 1],
  ...[0.85, 0.9, 1, 1, 0.95, 0.85, 0.7, 0.6, 0.5, 0.45, 0.4, 0.3],
] as const;
const WEEKEND = 0.5;

/** What people write: round times, in minutes, the last of them the most that they may. */
const walltimes = [10, 30, 60, 120, 240, 480, 720, 1_440] as const;
const LONGEST_MS = walltimes.at(-1)! * MINUTE_MS;

export function made(making: Making): Trace {
  const { nodes, cpus, days, load } = making;
  const dice = diceOf(making.seed);
  const enough = load * nodes * cpus * days * DAY_MS;
  const jobs: Past[] = [];
  for (let sum = 0; sum < enough; ) {
    const job = one(dice, making);
    jobs.push(job);
    sum += job.runMs * (job.wants.is === 'processors' ? job.wants.count : 0);
  }
  jobs.sort((a, b) => a.submittedAt - b.submittedAt);
  const named = jobs.map((job, at) => ({ ...job, name: String(at + 1) }));
  return { jobs: named, machine: { nodes, cpus }, leftOut: 0 };
}

function one(dice: Dice, making: Making): Past {
  const { medianMs, spread, cpus } = making;
  const user = Math.floor(USERS * dice() ** 2);
  const drawn = medianMs * Math.exp(spread * bell(dice));
  const runMs = seconds(Math.min(LONGEST_MS, Math.max(1_000, drawn)));
  return {
    name: '',
    submittedAt: STARTS_AT + comesAt(dice, making.days),
    runMs,
    walltimeMs: saidOf(dice, runMs),
    wants: { is: 'processors', count: sizeOf(dice, making) * cpus, memoryBytes: 0 },
    owner: String(user + 1),
    account: String((user % ACCOUNTS) + 1),
    queue: '',
  };
}

const seconds = (ms: Millis): Millis => Math.round(ms / 1_000) * 1_000;

/** An instant of a week as likely as it is busy. */
function comesAt(dice: Dice, days: number): Millis {
  for (;;) {
    const at = dice() * days * DAY_MS;
    const isWeekend = Math.floor(at / DAY_MS) % 7 >= 5;
    const busy = hours[Math.floor((at % DAY_MS) / HOUR_MS)]! * (isWeekend ? WEEKEND : 1);
    if (dice() < busy) return seconds(at);
  }
}

/** Whole nodes: three of four are a power of two, small ones far more often than large ones. */
function sizeOf(dice: Dice, { nodesMax }: Making): number {
  const size = nodesMax ** (dice() ** 2);
  return dice() < 0.75 ? 2 ** Math.floor(Math.log2(size)) : Math.floor(size);
}

/** Some know it, most ask for some times as much, and some for the most that there is. */
function saidOf(dice: Dice, runMs: Millis): Millis {
  const factor = dice() < 0.1 ? 100 : 1 + 4 * dice() ** 2;
  const wanted = walltimes.find((minutes) => minutes * MINUTE_MS >= runMs * factor);
  return wanted === undefined ? LONGEST_MS : wanted * MINUTE_MS;
}
