import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AttemptKey, Processes, ProcessOrder } from '../../src/actors/ports.ts';
import { bearers } from '../../src/platform/process/being.ts';
import { openFences } from '../../src/platform/process/fence.ts';
import { openProcesses, type ProcessesOptions } from '../../src/platform/process/processes.ts';
import type { Plan, ProcessPlace } from '../ports/processes.suite.ts';

export const isRoot = process.getuid?.() === 0;
export const NOBODY = 65_534;

/** Waits until it holds; what it was otherwise is in the error. */
export async function until<T>(what: string, look: () => T | undefined | false): Promise<T> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const seen = look();
    if (seen !== undefined && seen !== false) return seen;
    if (Date.now() > deadline) throw new Error(`not in time: ${what}`);
    await sleep(5);
  }
}

/** What the file holds; nothing if it is gone, also while it was read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

export const isAlive = (pid: number): boolean =>
  /^State:\s+[^ZX]/m.test(readText(`/proc/${pid}/status`));

/** All cgroups that were made for these records and are still there. */
export function cgroupsOf(records: string): readonly string[] {
  const { prefix, controls } = openFences(records, true);
  return Object.values(controls).flatMap(({ dir }) =>
    readdirSync(dir)
      .filter((name) => name.startsWith(prefix))
      .map((name) => join(dir, name)),
  );
}

const scripts = (plan: Plan): string => {
  switch (plan.is) {
    case 'exits':
      return `say; sleep ${(plan.afterMs ?? 0) / 1_000}; exit ${plan.code}`;
    case 'killed':
      return 'say; kill -TERM $$; sleep 60';
    case 'told':
      return `trap 'exit ${plan.code}' USR1; say; while :; do sleep 0.05; done`;
    case 'lasts':
      return plan.deaf ? "trap '' TERM; say; while :; do sleep 60; done" : 'say; exec sleep 60';
  }
};

/** A directory with records, and a directory of the job's account, on this very machine. */
export class RealPlace implements ProcessPlace {
  readonly root = mkdtempSync(join(tmpdir(), 'swm-process-'));
  readonly records = join(this.root, 'records');
  readonly work = join(this.root, 'work');
  readonly mark = { SWM_MACHINE: this.root };
  readonly notes: string[] = [];
  readonly #options: () => Partial<ProcessesOptions>;
  readonly #open: { close(): void }[] = [];

  /** What each life is opened with; a function makes it anew for each. */
  constructor(options: Partial<ProcessesOptions> | (() => Partial<ProcessesOptions>) = {}) {
    this.#options = typeof options === 'function' ? options : () => options;
    chmodSync(this.root, 0o755);
    mkdirSync(this.work);
    if (isRoot) chownSync(this.work, NOBODY, NOBODY);
  }

  async open(): Promise<Processes & { close(): void }> {
    const processes = await openProcesses({
      directory: this.records,
      jobsUser: 'nobody',
      slots: 2,
      mark: this.mark,
      note: (_level, _path, text) => void this.notes.push(text),
      leftoverMs: 50,
      ...this.#options(),
    });
    this.#open.push(processes);
    return processes;
  }

  /** An order for a script with this text; its marks are in a file `ran` beside. */
  script(key: AttemptKey, text: string, mode = 0o755): ProcessOrder {
    const name = `${key.job}.${key.attempt}.${key.rank}`;
    const script = join(this.work, name);
    writeFileSync(script, text);
    chmodSync(script, mode);
    return {
      key,
      directory: this.work,
      script,
      env: { PATH: '/usr/bin:/bin' },
      stdin: '',
      stdout: join(this.work, `${name}.out`),
      stderr: join(this.work, `${name}.err`),
      user: '',
      limits: { cpus: 0, memoryBytes: 0, gpus: 0 },
    };
  }

  order(key: AttemptKey, plan: Plan): ProcessOrder {
    const ran = join(this.work, `${key.job}.${key.attempt}.${key.rank}.ran`);
    return this.script(key, `#!/bin/sh\nsay() { echo $$ >>'${ran}'; }\n${scripts(plan)}\n`);
  }

  /** A job that goes on until it is told to, and then exits with 17. */
  waiting(key: AttemptKey): { order: ProcessOrder; go(): void } {
    const go = join(this.work, `${key.job}.go`);
    const ran = join(this.work, `${key.job}.${key.attempt}.${key.rank}.ran`);
    const text = `#!/bin/sh\necho $$ >>${ran}\nuntil [ -e ${go} ]; do sleep 0.02; done\nexit 17\n`;
    return { order: this.script(key, text), go: () => writeFileSync(go, '') };
  }

  async underWay(key: AttemptKey): Promise<void> {
    await until('the script is under way', () => this.starts(key) > 0);
  }

  starts(key: AttemptKey): number {
    const ran = readText(join(this.work, `${key.job}.${key.attempt}.${key.rank}.ran`));
    return ran.split('\n').length - 1;
  }

  record(key: AttemptKey): string {
    return readText(join(this.records, `${key.job}.${key.attempt}.${key.rank}.record`));
  }

  /** The pid of the slot that the record names. */
  slotOf(key: AttemptKey): number {
    return Number(/^starting (\d+)/.exec(this.record(key))?.[1]);
  }

  /** All keepers and slots that work here, or one sort of them. */
  keepers(sort = /^swm-(keeper|slot)/): readonly number[] {
    return readdirSync('/proc').flatMap((pid) =>
      sort.test(readText(`/proc/${pid}/cmdline`)) && cwdOf(pid) === this.records
        ? [Number(pid)]
        : [],
    );
  }

  /** Closes all lives, ends what still runs, and sees that nothing of it is left. */
  async clear(): Promise<void> {
    for (const processes of this.#open) processes.close();
    for (const pid of bearers(this.mark)) process.kill(pid, 'SIGKILL');
    await until('no process is left', () => bearers(this.mark).length === 0);
    await until('no slot and no keeper is left', () => this.keepers().length === 0);
    await until('no cgroup is left', () => cgroupsOf(this.records).length === 0);
    await rm(this.root, { recursive: true });
  }
}

function cwdOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}
