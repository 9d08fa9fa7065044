import { defaultPolicy } from '../src/protocol/policy.ts';
import { calendarOf } from '../src/simulate/calendar.ts';
import { machineOf } from '../src/simulate/machine.ts';
import { made } from '../src/simulate/made.ts';
import { replay } from '../src/simulate/replay.ts';
import { type Measures, run } from './rounds.ts';

/**
 * How long does a replay of some days on 10,000 nodes take, under the policy of an installation
 * that has none of its own, beside the same comings and ends without anybody who decides?
 */
const making = {
  ...{ seed: 1, nodes: 10_000, cpus: 64, days: 3, load: 0.75, nodesMax: 1_024 },
  ...{ medianMs: 120 * 60_000, spread: 1.2 },
};
const trace = made(making);
const machine = machineOf(trace);

function ours(): Measures {
  if (machine === undefined) throw new Error('there is no machine');
  const before = performance.now();
  const { outcomes } = replay(trace, machine, defaultPolicy);
  const days = (performance.now() - before) / 1_000;
  if (outcomes.length !== trace.jobs.length) throw new Error('a job was not run');
  return { days };
}

/** All start when they come. */
function bare(): Measures {
  const before = performance.now();
  const calendar = calendarOf<number>();
  let ended = 0;
  for (const [at, { submittedAt, runMs }] of trace.jobs.entries()) {
    ended += calendar.due(submittedAt).length;
    calendar.note(submittedAt + runMs, at);
  }
  ended += calendar.due(Number.POSITIVE_INFINITY).length;
  if (ended !== trace.jobs.length) throw new Error('a job was not run');
  return { days: (performance.now() - before) / 1_000 };
}

await run({
  name: 'simulate',
  units: { days: 's' },
  setup: `three days, ${trace.jobs.length} jobs, 75 % load; comings and ends without passes`,
  ours: { name: 'replay', run: ours },
  beside: { name: 'calendar', run: bare },
});
