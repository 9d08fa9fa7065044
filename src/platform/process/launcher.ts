import { type ChildProcess, spawn } from 'node:child_process';
import { constants, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bootId } from './being.ts';
import { keeperProgram } from './keeper.ts';
import { plainProgram } from './plain.ts';

/** What forks slots: perl where there is one that we know the system calls for, else Node. */
export type Launcher = {
  readonly kind: 'perl' | 'node';
  /** True if one process stands for all slots: then none has cgroups of its own. */
  readonly shared: boolean;
  readonly command: string;
  readonly arguments: readonly string[];
};

export type LauncherOptions = {
  readonly directory: string;
  readonly socket: string;
  readonly leftoverMs: number;
  readonly kind: 'perl' | 'node' | 'either';
};

/** Numbers of setsid, prctl, clock_gettime and waitid. */
const calls: Readonly<Record<string, readonly number[]>> = {
  x64: [112, 157, 228, 247],
  arm64: [157, 167, 113, 95],
};

/** The numbers of these calls on this machine; undefined where we do not know them. */
export const systemCalls = (): readonly number[] | undefined => calls[process.arch];

export const PERL = '/usr/bin/perl';

/** Chooses, and writes the program beside the records, since a command line is for all to read. */
export async function chooseLauncher(options: LauncherOptions): Promise<Launcher> {
  const numbers = systemCalls();
  const { directory, kind } = options;
  if (kind !== 'node' && process.platform === 'linux' && numbers && (await perlWorks())) {
    const path = join(directory, 'keeper.pl');
    writeFileSync(path, keeperProgram, { mode: 0o600 });
    const settings = [...numbers, constants.O_NOFOLLOW, bootId(), options.leftoverMs];
    const words = [path, ...settings.map(String), options.socket];
    return { kind: 'perl', shared: false, command: PERL, arguments: words };
  }
  if (kind === 'perl') throw new Error(`there is no ${PERL} that works here`);
  const path = join(directory, 'keeper.cjs');
  writeFileSync(path, plainProgram, { mode: 0o600 });
  const words = [path, bootId(), String(options.leftoverMs), options.socket];
  return { kind: 'node', shared: true, command: process.execPath, arguments: words };
}

/**
 * Starts a keeper in a session of its own, so that it and its jobs outlive us. Its environment is
 * bare: what ours holds, such as PERL5OPT or a secret, is none of its business.
 */
export function startKeeper(launcher: Launcher, directory: string): ChildProcess {
  const child = spawn(launcher.command, launcher.arguments, {
    cwd: directory,
    detached: true,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  child.unref();
  // It may be gone when it is told something; its end is heard of all the same.
  child.stdin?.on('error', () => {});
  return child;
}

export const perlWorks = (): Promise<boolean> =>
  new Promise((resolve) => {
    const child = spawn(PERL, ['-e', 'exit 7'], { stdio: 'ignore', env: {} });
    child.on('error', () => resolve(false));
    child.on('exit', (code) => resolve(code === 7));
  });
