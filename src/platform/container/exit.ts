import type { ContainerInspectInfo } from 'dockerode';
import type { Exit } from '../../actors/ports.ts';

type State = ContainerInspectInfo['State'];

/** How an engine tells that a signal ended it; what a shell makes of one looks the same. */
const SIGNALS = { after: 128, upTo: 159 };

/** Not begun, begun, or over; an engine has many words for each. */
export function stageOf(state: State): 'made' | 'runs' | 'over' {
  if (state.Running || state.Paused || state.Restarting) return 'runs';
  return ['created', 'configured', 'initialized'].includes(state.Status) ? 'made' : 'over';
}

/** When it began, or 0. */
export const startedAt = ({ StartedAt }: State): number => Math.max(0, Date.parse(StartedAt) || 0);

export function exitOf(state: State): Exit {
  const { ExitCode: code, OOMKilled, FinishedAt } = state;
  const signalled = code > SIGNALS.after && code <= SIGNALS.upTo;
  return {
    code: signalled ? 0 : code,
    signal: signalled ? code - SIGNALS.after : 0,
    // What is over at once may be over before the engine says that it began.
    at: Math.max(startedAt(state), Date.parse(FinishedAt) || Date.now()),
    outOfMemory: OOMKilled && code !== 0,
    lost: false,
  };
}

export const lostAt = (at: number): Exit => ({
  code: 0,
  signal: 0,
  at,
  outOfMemory: false,
  lost: true,
});
