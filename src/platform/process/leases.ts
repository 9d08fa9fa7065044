import { spawn } from 'node:child_process';
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptKey, Exit } from '../../actors/ports.ts';
import { Failed } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import type { Millis } from '../../runtime/ports.ts';
import { marksOf } from './attempt.ts';
import { bootId, lives } from './being.ts';
import type { Fences } from './fence.ts';
import { guardProgram } from './guard.ts';
import { PERL, perlWorks } from './launcher.ts';
import { readRecord, recordName } from './record.ts';

/** Attempts that may run for so long only, and the process that sees to it without us. */
export type Leases = {
  /** Lets the attempt run until then, by `bootMs`, and sees that a guard is there to end it. */
  renew(key: AttemptKey, until: Millis): Promise<void>;
  /** Whether the guard has ended it, or keeps it from starting, because its lease ran out. */
  isOut(key: AttemptKey): boolean;
  forget(key: AttemptKey): void;
};

export type LeasesOptions = {
  /** Of the records. */
  readonly directory: string;
  readonly fences: Fences;
  /** What all jobs of this machine have in their environment. */
  readonly mark: Readonly<Record<string, string>>;
};

/** Milliseconds since the boot, asleep or not. */
export const bootMs = (): Millis =>
  Math.round(Number.parseFloat(readFileSync('/proc/uptime', 'latin1')) * 1_000);

export function openLeases({ directory, fences, mark }: LeasesOptions): Leases {
  const boot = bootId();
  const path = (key: AttemptKey, kind: string): string =>
    join(directory, recordName(key).replace(/record$/, kind));
  const isGuarded = (key: AttemptKey): boolean => {
    const line = lastLine(path(key, 'guard'), /^guard (\d+) (\d+) (\S+) \.$/);
    const start = Number(line?.[2]);
    return line?.[3] === boot && lives({ pid: Number(line[1]), from: start, to: start });
  };
  const isOver = (key: AttemptKey): boolean => {
    const told = readRecord(path(key, 'record'));
    if (told.is === 'starting' || told.is === 'running') return told.boot !== boot;
    return told.is !== 'nothing';
  };
  return {
    async renew(key, until) {
      if (until <= bootMs()) throw new Failed('timeout', 'the lease was renewed too late');
      const file = path(key, 'lease');
      writeFileSync(`${file}.new`, `until ${Math.floor(until)} .\n`, { mode: 0o600 });
      renameSync(`${file}.new`, file);
      if (isGuarded(key) || isOver(key)) return;
      if (!(await perlWorks())) throw new Failed('start_failed', `a lease needs ${PERL} here`);
      startGuard(directory, recordName(key), settings(fences, boot), marksOf(mark, key), mark);
      const deadline = bootMs() + limits.guardBirthMs;
      while (!isGuarded(key)) {
        // A guard that finds the attempt to be over is gone at once.
        if (isOver(key)) return;
        if (bootMs() > deadline) throw new Failed('start_failed', 'no guard came to be', true);
        await sleep(GUARD_LOOK_MS);
      }
    },
    isOut: (key) => isOut(path(key, 'record')),
    forget(key) {
      for (const kind of ['lease', 'guard']) rmSync(path(key, kind), { force: true });
    },
  };
}

const GUARD_LOOK_MS = 5;

/** What a lease that ran out is told as. */
export const leaseOut = (at: Millis): Failed =>
  new Failed('lost', `its lease ran out at ${new Date(at).toISOString()}, so it was ended`);

/** The exit, and whether it was the guard's doing. */
export const judged = (exit: Exit, isOut: boolean): Exit =>
  isOut ? { ...exit, leaseOut: true } : exit;

function settings({ controls }: Fences, boot: string): readonly string[] {
  const { freezer, pids, memory } = controls;
  const procs = (freezer ?? pids ?? memory)?.dir ?? '';
  const version = freezer ? `${freezer.version}` : '';
  return [boot, `${limits.guardMs}`, freezer?.dir ?? '', version, procs];
}

/**
 * In a session of its own, so that it outlives us. It bears the marks of this machine, so that who
 * removes the machine finds it, and none of a job, so that who ends the job spares it.
 */
function startGuard(
  directory: string,
  record: string,
  words: readonly string[],
  marks: Readonly<Record<string, string>>,
  mark: LeasesOptions['mark'],
): void {
  const program = join(directory, 'guard.pl');
  writeFileSync(`${program}.new`, guardProgram, { mode: 0o600 });
  renameSync(`${program}.new`, program);
  const files = ['record', 'lease', 'guard'].map((kind) => record.replace(/record$/, kind));
  const borne = Object.entries(marks).map(([name, value]) => `${name}=${value}`);
  const child = spawn(PERL, [program, ...words, ...files, ...borne], {
    cwd: directory,
    detached: true,
    env: { ...mark, PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    stdio: 'ignore',
  });
  child.on('error', () => {});
  child.unref();
}

/** Whether the guard has written so; a line without its end does not count. */
const isOut = (record: string): boolean => lastLine(record, /^lease_out \d+ \.$/) !== undefined;

function lastLine(path: string, shape: RegExp): RegExpExecArray | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
  const lines = text.split('\n').slice(0, -1);
  const line = lines.findLast((each) => shape.test(each));
  return line === undefined ? undefined : (shape.exec(line) ?? undefined);
}
