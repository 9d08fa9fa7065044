import { PARTITION } from '../../protocol/jobscript/slurm-environment.ts';
import type { JobRow } from '../../protocol/model.ts';
import { Usage } from '../exits.ts';

/** Slurm's states, those that a job of ours can be in, and how they are written short. */
const states = {
  PENDING: 'PD',
  CONFIGURING: 'CF',
  RUNNING: 'R',
  COMPLETING: 'CG',
  COMPLETED: 'CD',
  FAILED: 'F',
  CANCELLED: 'CA',
  TIMEOUT: 'TO',
} as const;

export type State = keyof typeof states;

export const shortOf = (state: State): string => states[state];

/** How Slurm would call what a job is at. */
export function stateOf(job: JobRow): State {
  switch (job.phase) {
    case 'queued':
    case 'placing':
      return 'PENDING';
    case 'provisioning':
    case 'staging':
    case 'starting':
      return 'CONFIGURING';
    case 'running':
      return 'RUNNING';
    case 'collecting':
    case 'releasing':
      return 'COMPLETING';
    case 'ended':
      return endOf(job);
  }
}

function endOf({ state, exitcode, signal, details }: JobRow): State {
  if (state === 'C') return 'CANCELLED';
  if (state === 'F') return exitcode === 0 && signal === 0 ? 'COMPLETED' : 'FAILED';
  return details.startsWith('ran longer than its walltime') ? 'TIMEOUT' : 'FAILED';
}

/** It is not over yet: what `squeue` shows unless told otherwise. */
export const isLive = (job: JobRow): boolean => job.phase !== 'ended';

/** Those that are named, short or long; `all` names every one. */
export function statesIn(command: string, names: readonly string[]): ReadonlySet<State> {
  const all = Object.keys(states) as State[];
  return new Set(
    names.flatMap((name) => {
      const upper = name.toUpperCase();
      if (upper === 'ALL') return all;
      const found = all.find((state) => state === upper || states[state] === upper);
      if (found !== undefined) return [found];
      const known = all.map((state) => `${state} (${states[state]})`).join(', ');
      throw new Usage(`${command}: ${name} is no state of a job here; there are ${known}`);
    }),
  );
}

/** `D-HH:MM:SS`, with as many parts as it needs: `MM:SS` at least where `short`. */
export function clock(ms: number, short = false): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [days, hours] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24];
  const [minutes, rest] = [Math.floor(seconds / 60) % 60, seconds % 60];
  if (days > 0) return `${days}-${two(hours)}:${two(minutes)}:${two(rest)}`;
  if (!short) return `${two(hours)}:${two(minutes)}:${two(rest)}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** An instant in local time, as Slurm writes it. */
export function moment(ms: number, none = 'Unknown'): string {
  if (ms === 0) return none;
  const at = new Date(ms);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** How long it has run, or ran. */
export const elapsed = ({ startedAt, endedAt }: JobRow, now: number): number =>
  startedAt === 0 ? 0 : (endedAt === 0 ? now : endedAt) - startedAt;

/** Cores that it has, or asks for, on all of its nodes. */
export const coresOf = (job: JobRow): number => {
  const each = job.resources?.cpus ?? job.request?.cpus ?? 0;
  return Math.max(1, each) * nodesOf(job);
};

export const nodesOf = (job: JobRow): number => job.nodes.length || (job.request?.nodes ?? 1);

/** The queue that it waits or waited in; Slurm has always one. */
export const partitionOf = (job: JobRow): string => job.request?.queue || PARTITION;
