import { mkdir, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Entry, Kept } from '../../consensus/model.ts';
import { Failed } from '../../protocol/errors.ts';
import type { Outcome, Range } from '../../runtime/ports.ts';
import {
  checkFiles,
  type Environment,
  isStore,
  makeStore,
  openEnvironment,
  raiseTerm,
  storeFailed,
  termOf,
  writeFormat,
} from '../store-files.ts';
import { type GroupOptions, Groups } from '../store-groups.ts';
import { encodeChange, getRecord, plain, putRecords, rangeOfRecords } from '../store-records.ts';
import { decodeEntry, encodeEntry, entryBytes } from './entries.ts';
import { afterWrite, nothingKept } from './kept.ts';
import { dropTail, type Log, logKey, openLog, putKept, REPLICA_FORMAT, readKept } from './own.ts';
import type { ReplicaDisk, Snapshot, Write } from './ports.ts';
import {
  checkSnapshot,
  clearLeftovers,
  makeSnapshot,
  sealStaged,
  snapshotsOf,
  stageSnapshot,
  switchTo,
} from './snapshots.ts';

export type ReplicaDiskOptions = GroupOptions & {
  /** The name of this head. */
  readonly self: string;
  /** A disk that is empty waits to be added to a group, and does not begin one of its own. */
  readonly joins?: boolean;
};

/**
 * Opens what a head keeps, or makes it: a group of this head alone, unless it `joins`. A store of
 * the former format becomes a group of one with nothing lost. All that an earlier life left in the
 * system's caches is durable before anybody reads it. Throws `Failed`: corrupt, wrong_version,
 * forbidden, disk_full, disk_error.
 */
export async function openReplicaDisk(
  directory: string,
  options: ReplicaDiskOptions,
): Promise<ReplicaDisk> {
  const { self, joins = false } = options;
  let env: Environment | undefined;
  try {
    await mkdir(dirname(directory), { recursive: true, mode: 0o700 });
    if (!isStore(directory)) {
      const members = { voters: joins ? [] : [self], learners: [] };
      await makeStore(directory, REPLICA_FORMAT, (made) => {
        openLog(made);
        void putKept(made, nothingKept(members));
      });
    }
    const format = checkFiles(directory, REPLICA_FORMAT);
    await clearLeftovers(directory);
    env = openEnvironment(directory);
    const log = openLog(env);
    const kept = await readDurably(env, log, self);
    if (format < REPLICA_FORMAT) await writeFormat(directory, REPLICA_FORMAT);
    return new LmdbReplicaDisk(env, log, kept, options);
  } catch (error) {
    void env?.root.close();
    throw await storeFailed(error, directory, 'Opening');
  }
}

/** What is kept, made durable with the number of this life. */
async function readDurably(env: Environment, log: Log, self: string): Promise<Kept> {
  const kept = readKept(env, log, self);
  void putKept(env, kept);
  dropTail(log, kept.last);
  await raiseTerm(env);
  return kept;
}

type Held = readonly [Write, (outcome: Outcome) => void, (() => void) | undefined];

/** One life of a head's disk, from its opening to its close or its first unknown write. */
class LmdbReplicaDisk implements ReplicaDisk {
  readonly #options: ReplicaDiskOptions;
  readonly #directory: string;
  readonly #life: number;
  #env: Environment;
  #log: Log;
  #groups: Groups;
  #kept: Kept;
  /** Writes that wait for an installation to end; undefined while there is none. */
  #held: Held[] | undefined;
  #switching = false;
  #copies: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(env: Environment, log: Log, kept: Kept, options: ReplicaDiskOptions) {
    this.#options = options;
    this.#directory = env.directory;
    this.#life = termOf(env);
    this.#env = env;
    this.#log = log;
    this.#kept = kept;
    this.#groups = this.#newGroups(env);
  }

  get kept(): Kept {
    return this.#kept;
  }

  get(key: string): Uint8Array | undefined {
    this.#mustBeOpen();
    return getRecord(this.#env.records, key);
  }

  range(range: Range): readonly (readonly [string, Uint8Array])[] {
    this.#mustBeOpen();
    return rangeOfRecords(this.#env.records, range);
  }

  entries(from: number, to: number, bytesMax: number): readonly Entry[] {
    this.#mustBeOpen();
    const found: Entry[] = [];
    let bytes = 0;
    for (const { value } of this.#log.getRange({ start: logKey(from), end: logKey(to + 1) })) {
      const entry = decodeEntry(from + found.length, plain(value));
      bytes += entryBytes(entry);
      if (found.length > 0 && bytes > bytesMax) break;
      found.push(entry);
    }
    return found;
  }

  write(write: Write, durable: (outcome: Outcome) => void, visible?: () => void): void {
    if (this.#closing) setImmediate(durable, 'unknown');
    else if (this.#held) this.#held.push([write, durable, visible]);
    else this.#give(write, durable, visible);
  }

  async snapshot(): Promise<Snapshot> {
    this.#mustBeOpen();
    return this.#alone('Making a snapshot of', async () => {
      const made = await makeSnapshot(this.#env, this.#options.self);
      // What was copied may have been visible only; nobody else may have it before it is durable.
      await this.#groups.settled();
      return made;
    });
  }

  async install(snapshot: Snapshot): Promise<Kept> {
    this.#mustBeOpen();
    return this.#alone('Installing a snapshot in', async () => {
      await checkSnapshot(snapshot);
      if (snapshot.index <= this.#kept.applied.index)
        throw new Failed('refused', `The snapshot ${snapshot.path} is older than what is here.`);
      const staged = await stageSnapshot(this.#directory, snapshot);
      this.#held = [];
      try {
        await this.#groups.settled();
        await this.#replace(staged, snapshot);
      } finally {
        const held: Held[] = this.#held;
        this.#held = undefined;
        for (const [write, durable, visible] of held) this.#give(write, durable, visible);
      }
      return this.#kept;
    });
  }

  close(): Promise<void> {
    this.#closing ??= this.#copies.then(async () => {
      await this.#groups.close();
      await rm(snapshotsOf(this.#directory), { recursive: true, force: true });
    });
    return this.#closing;
  }

  #newGroups(env: Environment): Groups {
    return new Groups(env, this.#options, () => termOf(env) === this.#life);
  }

  /** Copies and installations go one after the other, and `close` waits for them. */
  async #alone<T>(doing: string, work: () => Promise<T>): Promise<T> {
    const done = this.#copies.then(() => {
      this.#mustBeOpen();
      return work();
    });
    this.#copies = done.catch(() => {});
    try {
      return await done;
    } catch (error) {
      throw await storeFailed(error, this.#directory, doing);
    }
  }

  #give(write: Write, durable: (outcome: Outcome) => void, visible?: () => void): void {
    const before = this.#kept;
    const kept = afterWrite(before, write);
    const changes = write.apply?.flatMap((entry) => entry.changes.map(encodeChange)) ?? [];
    this.#kept = kept;
    this.#groups.give(
      () => {
        const nothing = kept === before && changes.length === 0;
        if (nothing) return undefined;
        this.#putEntries(before, write, kept);
        putRecords(this.#env.records, changes);
        return putKept(this.#env, kept, before);
      },
      (outcome) => {
        if (outcome === 'committed') visible?.();
        durable(outcome);
      },
    );
  }

  /** What is cut off in front or behind goes, and what is new comes. */
  #putEntries(before: Kept, { entries = [] }: Write, { base }: Kept): void {
    const first = entries[0]?.index ?? before.last + 1;
    for (let index = first; index <= before.last; index++) void this.#log.remove(logKey(index));
    for (const entry of entries)
      if (entry.index > base.index) void this.#log.put(logKey(entry.index), encodeEntry(entry));
    const gone = Math.min(base.index, first - 1);
    for (let index = before.base.index + 1; index <= gone; index++)
      void this.#log.remove(logKey(index));
  }

  /** Puts a staged copy in the place of the environment, with this head's own hard state. */
  async #replace(staged: Environment, { index, term, at, members }: Snapshot): Promise<void> {
    const kept: Kept = {
      hard: this.#kept.hard,
      base: { index, term },
      terms: [],
      last: index,
      applied: { index, term, at },
      members: [{ ...members, index }],
    };
    await sealStaged(staged, kept, this.#life);
    this.#switching = true;
    await this.#groups.close();
    try {
      await switchTo(this.#directory);
      this.#kept = kept;
    } finally {
      this.#env = openEnvironment(this.#directory);
      this.#log = openLog(this.#env);
      this.#groups = this.#newGroups(this.#env);
      this.#switching = false;
    }
  }

  #mustBeOpen(): void {
    if (this.#closing) throw new Error(`the store ${this.#directory} is closed`);
    if (this.#switching)
      throw new Failed('busy', `The records of ${this.#directory} are being replaced.`);
  }
}
