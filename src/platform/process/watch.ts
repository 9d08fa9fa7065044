import { type FSWatcher, rmSync, watch } from 'node:fs';
import { join } from 'node:path';
import type { Exit } from '../../actors/ports.ts';
import { limits } from '../../protocol/limits.ts';
import type { Note } from '../../runtime/ports.ts';
import { type Attempt, settle } from './attempt.ts';
import { lives } from './being.ts';
import { appendRecord, exitLine, orphanName, readOrphan, readRecord, type Told } from './record.ts';
import { killAll, type Tree, zombieStatus } from './tree.ts';

export type WatchOptions = {
  readonly directory: string;
  readonly boot: string;
  readonly note: Note;
  /** What belongs to the attempt. */
  tree(attempt: Attempt, told: Tree['told']): Tree;
  /** Told once the record says that nothing of it runs. */
  over(attempt: Attempt, told: Told): void;
};

/**
 * Watches attempts that no slot of this life runs: those of a former life, and those whose slot was
 * killed. Their record is watched for the exit line of their own slot; and every now and then
 * whether both are still there.
 */
export class Watch {
  readonly #options: WatchOptions;
  readonly #files = new Map<Attempt, FSWatcher | undefined>();
  readonly #busy = new Set<Attempt>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  add(attempt: Attempt): void {
    if (attempt.isOver || this.#files.has(attempt)) return;
    this.#files.set(attempt, this.#watchFile(attempt));
    this.#timer ??= setInterval(() => this.#look(), limits.livenessMs).unref();
    void this.check(attempt);
  }

  close(): void {
    clearInterval(this.#timer);
    for (const file of this.#files.values()) file?.close();
    this.#files.clear();
  }

  /** Looks at the record and the processes; ends the attempt if it is gone. */
  async check(attempt: Attempt): Promise<void> {
    if (this.#busy.has(attempt) || !this.#files.has(attempt)) return;
    this.#busy.add(attempt);
    try {
      const told = await this.#judge(attempt, readRecord(attempt.path));
      if (told.is === 'running') settle(attempt, told);
      if (told.is === 'running' || told.is === 'starting') return;
      this.#files.get(attempt)?.close();
      this.#files.delete(attempt);
      this.#options.over(attempt, told);
      if (this.#files.size === 0) this.#rest();
    } catch (error) {
      const { job } = attempt.key;
      this.#options.note('error', 'process', 'an attempt cannot be watched', { job, error });
    } finally {
      this.#busy.delete(attempt);
    }
  }

  /** The record, after what must be added to it by us because nobody else will. */
  async #judge(attempt: Attempt, told: Told): Promise<Told> {
    if (told.is !== 'starting' && told.is !== 'running') return told;
    const sameBoot = told.boot === this.#options.boot;
    if (sameBoot && lives(told.slot)) return told;
    if (told.is === 'starting') return appendRecord(attempt.path, `void ${Date.now()}`);
    if (!sameBoot) return appendRecord(attempt.path, exitLine(told.done ?? lost(Date.now())));
    if (lives(told.main)) return told;
    const status = zombieStatus(told);
    await killAll(this.#options.tree(attempt, told));
    const again = readRecord(attempt.path);
    if (again.is !== 'running') return again;
    const orphan = join(this.#options.directory, orphanName(told.main));
    const kept = readOrphan(orphan, told.main);
    const seen = status && { ...lost(Date.now()), ...status, lost: false };
    const ended = appendRecord(
      attempt.path,
      exitLine(told.done ?? kept ?? seen ?? lost(Date.now())),
    );
    rmSync(orphan, { force: true });
    return ended;
  }

  #look(): void {
    for (const attempt of this.#files.keys()) void this.check(attempt);
  }

  #rest(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Where the system has no watches left, the timer alone must do. */
  #watchFile(attempt: Attempt): FSWatcher | undefined {
    try {
      const file = watch(attempt.path, { persistent: false }, () => void this.check(attempt));
      file.on('error', () => file.close());
      return file;
    } catch {
      return undefined;
    }
  }
}

const lost = (at: number): Exit => ({ code: 0, signal: 0, at, outOfMemory: false, lost: true });
