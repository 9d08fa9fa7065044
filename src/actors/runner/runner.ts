import type { Checkpoint, Order, Report } from '../../protocol/attempt.ts';
import type { Failure } from '../../protocol/errors.ts';
import type { Body } from '../../protocol/messages.ts';
import type { Used } from '../../protocol/used.ts';
import type { Effect, Heard, Step } from '../../runtime/behaviour.ts';
import type { Millis } from '../../runtime/ports.ts';
import type { AttemptKey, Collected, Exit, Place, Started } from '../ports.ts';
import type { Sample } from '../ways.ts';

export type RunnerPhase =
  | 'staging'
  | 'staged'
  | 'starting'
  | 'running'
  | 'saving'
  | 'stopping'
  | 'collecting'
  | 'over'
  | 'forgotten';

/** That it is to be ended, and why. */
export type Stop = {
  readonly failure: Failure | null;
  readonly graceMs: Millis;
  /** It had ended by itself by then. */
  readonly isLate?: boolean;
};

/** One process of one attempt on this worker. */
export type Runner = {
  readonly phase: RunnerPhase;
  readonly round: number;
  readonly key: AttemptKey;
  /** This worker's name. */
  readonly node: string;
  /** Null for an attempt that was stopped before it was ordered: it is refused for ever. */
  readonly order: Order | null;
  readonly go: boolean;
  /** Grows with every report; the head says which it has taken. */
  readonly seq: number;
  readonly taken: number;
  readonly place: Place | null;
  readonly tries: number;
  readonly stop: Stop | null;
  readonly stagedAt: Millis;
  readonly startedAt: Millis;
  readonly unenforced: readonly string[];
  readonly exit: Exit | null;
  readonly collected: Collected | null;
  readonly failure: Failure | null;
  readonly detail: string;
  /** Since when all of it is over and taken; 0 until then. */
  readonly forgottenAt: Millis;
  /** Whether its place and records are removed. */
  readonly cleared: boolean;
  /** Its record is deleted: nobody remembers it. */
  readonly erased: boolean;
  /** The last that it has made; records of before checkpoints have none. */
  readonly checkpoint?: Checkpoint | null;
  /** Until when it may save itself before it is ended. */
  readonly saveBy?: Millis | null;
  /** Whether a checkpoint is under way in this life of the worker, and when the next is due. */
  readonly isSaving?: boolean;
  readonly saveAt?: Millis;
  /** What it has used, and when its head was told of that last. */
  readonly used?: Used | null;
  readonly usedToldAt?: Millis;
};

export type RunnerHears =
  | 'runner.order'
  | 'runner.go'
  | 'runner.stop'
  | 'runner.taken'
  | 'runner.checkpoint'
  | 'runner.forget';
export type RunnerEvent =
  | { readonly is: 'again' }
  | { readonly is: 'remind' }
  | { readonly is: 'walltime' }
  | { readonly is: 'lease' }
  /** `at`: by its interval, at that time; 0: whenever that is. */
  | { readonly is: 'checkpoint'; readonly at: Millis }
  | { readonly is: 'late' }
  | { readonly is: 'lead' }
  | { readonly is: 'measured'; readonly sample: Sample }
  | {
      readonly is: 'progress';
      readonly done: number;
      readonly total: number;
      /** The image that is being brought; else it is data. */
      readonly image?: string;
    };

export type RunnerTasks = {
  stage: readonly [Order, Place];
  start: readonly [{ readonly order: Order; readonly place: Place }, Started];
  /** Opens its ways out, which a worker that comes back has not open any more. */
  lead: readonly [{ readonly order: Order; readonly place: Place }, null];
  /** The clock by which leases run. */
  boot: readonly [null, Millis];
  /** Lets the attempt run until then, by that clock. */
  renew: readonly [{ readonly key: AttemptKey; readonly until: Millis }, null];
  wait: readonly [AttemptKey, Exit];
  /** Has the process save itself; null: what it saved was not whole within `ms`. */
  checkpoint: readonly [{ readonly order: Order; readonly ms: Millis }, Checkpoint | null];
  /** Ends the process, and tells how it ended; null: it never started, or nobody can tell. */
  kill: readonly [{ readonly key: AttemptKey; readonly graceMs: Millis }, Exit | null];
  collect: readonly [Order, Collected];
  /** Removes the attempt's place and records. */
  clear: readonly [AttemptKey, null];
};

export type RunnerArgs = Body<'runner.order'> | Body<'runner.stop'>;
export type RunnerEffect = Effect<RunnerEvent, RunnerTasks>;
export type RunnerHeard = Heard<RunnerHears, RunnerEvent, RunnerTasks>;
export type RunnerStep = Step<Runner, RunnerEvent, RunnerTasks>;

/** Moves on, with news for the head. */
export const to = (
  state: Runner,
  phase: Runner['phase'],
  change: Partial<Runner> = {},
): Runner => ({ ...state, tries: 0, detail: '', ...change, phase, seq: state.seq + 1 });

/** Whatever there still is of it is killed: only then the attempt is over. */
export const broken = (state: Runner, why: Failure): Runner =>
  to(state, 'stopping', { failure: why, stop: { failure: why, graceMs: 0 } });

export const start = ({ order, place }: Runner): readonly RunnerEffect[] =>
  order && place ? [{ do: 'run', task: 'start', input: { order, place } }] : [];

/** All that the head may want to know of the attempt, here and now. */
export const reportOf = (state: Runner): Report => ({
  job: state.key.job,
  node: state.node,
  attempt: state.key.attempt,
  rank: state.key.rank,
  seq: state.seq,
  phase: shown(state.phase),
  detail: state.detail,
  stagedAt: state.stagedAt,
  startedAt: state.startedAt,
  exitedAt: state.exit?.at ?? 0,
  unenforced: [...state.unenforced],
  stopped: state.stop !== null && state.stop.isLate !== true,
  exit: state.exit,
  collected: state.collected === null ? null : copy(state.collected),
  failure: state.failure,
  ...(state.checkpoint && { checkpoint: state.checkpoint }),
  ...(state.used && { used: state.used }),
});

const copy = (c: Collected): NonNullable<Report['collected']> => ({
  outputs: [...c.outputs],
  missing: [...c.missing],
  stdout: c.stdout,
  stderr: c.stderr,
});

function shown(phase: RunnerPhase): Report['phase'] {
  if (phase === 'saving' || phase === 'stopping') return 'running';
  return phase === 'forgotten' ? 'over' : phase;
}
