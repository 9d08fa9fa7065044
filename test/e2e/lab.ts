import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach } from 'vitest';

const SWM = join(import.meta.dirname, '..', '..', 'bin', 'swm');

export type Done = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

export type JobLine = {
  readonly id: string;
  readonly state: string;
  readonly phase: string;
  readonly exitcode: number;
  readonly attempt: number;
  readonly run: number;
  readonly details: string;
  readonly nodes: readonly string[];
  readonly cluster: string;
  readonly address: string;
};

/** Runs the command as a user would, and waits for its end. */
export function swm(
  args: readonly string[],
  { input = '', cwd, env = {} }: { input?: string; cwd?: string; env?: object } = {},
): Promise<Done> {
  const child = spawn(SWM, args, { cwd, env: { ...process.env, ...env } });
  return output(child, input);
}

function output(child: ChildProcess, input: string): Promise<Done> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (part) => (stdout += part));
  child.stderr?.on('data', (part) => (stderr += part));
  child.stdin?.on('error', () => {});
  child.stdin?.end(input);
  return new Promise((resolve) =>
    child.on('close', (code) => resolve({ code: code ?? -1, stdout, stderr })),
  );
}

/** A folder that jobs of other accounts may pass through, removed with the test. */
export async function folder(): Promise<string> {
  const path = mkdtempSync(join(tmpdir(), 'swm-e2e-'));
  await chmod(path, 0o711);
  cleanups.push(async () => rmSync(path, { recursive: true, force: true }));
  return path;
}

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

export type Dev = {
  readonly spool: string;
  readonly pid: number;
  readonly log: () => string;
  /** Resolves with the exit code once the node has ended. */
  readonly ended: Promise<number>;
  submit(script: string, ...args: string[]): Promise<string>;
  jobs(): Promise<readonly JobLine[]>;
  job(id: string): Promise<JobLine>;
  /** Waits until the job is as wanted. */
  until(id: string, wanted: (job: JobLine) => boolean, seconds?: number): Promise<JobLine>;
  run(...args: string[]): Promise<Done>;
  kill(signal: NodeJS.Signals): Promise<number>;
};

/** Starts a whole swm on a spool. What is left of it is ended with the test, machines and all. */
export async function dev(spool: string, args: readonly string[] = []): Promise<Dev> {
  const child = spawn(SWM, ['dev', '--spool', spool, ...args]);
  let text = '';
  child.stdout.on('data', (part) => (text += part));
  child.stderr.on('data', (part) => (text += part));
  const ended = new Promise<number>((resolve) =>
    child.on('close', (code, signal) => resolve(code ?? (signal ? 128 : -1))),
  );
  cleanups.push(async () => {
    child.kill('SIGKILL');
    await ended;
    endAll(spool);
  });
  let over: number | undefined;
  void ended.then((code) => (over = code));
  await until(() => text.includes('\nready ') || text.startsWith('ready ') || over !== undefined);
  if (over !== undefined) throw new Error(`dev ended with ${over}: ${text}`);
  return deviceOf(spool, child, ended, () => text);
}

function deviceOf(
  spool: string,
  child: ChildProcess,
  ended: Promise<number>,
  log: () => string,
): Dev {
  const run = (...args: string[]): Promise<Done> => swm([...args, '--spool', spool]);
  const jobs = async (): Promise<readonly JobLine[]> => {
    const done = await run('jobs', '--json');
    if (done.code !== 0) throw new Error(`jobs: ${done.code} ${done.stderr}`);
    return JSON.parse(done.stdout.trim().split('\n').at(-1) ?? '[]') as JobLine[];
  };
  const job = async (id: string): Promise<JobLine> => {
    const found = (await jobs()).find((one) => one.id === id);
    if (found === undefined) throw new Error(`no job ${id}`);
    return found;
  };
  return {
    spool,
    pid: child.pid ?? 0,
    log,
    ended,
    run,
    jobs,
    job,
    async submit(script, ...args) {
      const done = await swm(['submit', '--spool', spool, ...args, '-'], { input: script });
      if (done.code !== 0) throw new Error(`submit: ${done.code} ${done.stderr}`);
      return done.stdout.trim();
    },
    async until(id, wanted, seconds = 30) {
      let last: JobLine | undefined;
      const fits = async (): Promise<boolean> => {
        last = await job(id);
        return wanted(last);
      };
      await until(fits, seconds).catch((error) => {
        throw new Error(`${(error as Error).message}: ${JSON.stringify(last)}\n${log()}`);
      });
      return last as JobLine;
    },
    kill: async (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

/** Waits for a condition, not for a time. */
export async function until(holds: () => boolean | Promise<boolean>, seconds = 20): Promise<void> {
  const late = Date.now() + seconds * 1000;
  while (!(await holds())) {
    if (Date.now() > late) throw new Error(`not within ${seconds} s`);
    await sleep(50);
  }
}

/** Processes whose environment has this text. */
export function bearers(text: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(text);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** The processes of a job, anywhere on this machine. */
export const processesOf = (job: string): number[] => bearers(`SWM_JOB_ID=${job}`);

/** Ends what a killed head could not: its machines and jobs bear the installation's id. */
function endAll(spool: string): void {
  let installation: string;
  try {
    installation = readFileSync(join(spool, 'installation'), 'utf8').trim();
  } catch {
    return;
  }
  for (let round = 0; round < 5; round++)
    for (const pid of bearers(installation)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has ended meanwhile.
      }
    }
}

/** Writes a file and gives its path. */
export async function file(path: string, text: string | Uint8Array): Promise<string> {
  await writeFile(path, text);
  return path;
}
