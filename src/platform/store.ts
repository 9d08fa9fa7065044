import { mkdir, readdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failed } from '../protocol/errors.ts';
import type { Change, Outcome, Range, Store } from '../runtime/ports.ts';
import {
  checkFiles,
  type Environment,
  isStore,
  makeStore,
  openEnvironment,
  raiseTerm,
  sealStore,
  storeFailed,
  termOf,
} from './store-files.ts';
import { type GroupOptions, Groups } from './store-groups.ts';
import { encodeChange, getRecord, putRecords, rangeOfRecords } from './store-records.ts';

export type StoreOptions = GroupOptions;

/** A store on this machine's disk. One process at a time may hold a directory open. */
export interface DiskStore extends Store {
  /**
   * Writes a compacted copy, as of one moment, into `directory`, which must be new or empty. It is
   * a store of its own, term included. Commits go on meanwhile. Throws `Failed`.
   */
  backup(directory: string): Promise<void>;
}

/**
 * Opens the store of a directory, or makes it, and raises its term durably: with it, all that an
 * earlier life left in the system's caches is durable before anybody reads it.
 * Throws `Failed`: corrupt, wrong_version, forbidden, disk_full, disk_error.
 */
export async function openStore(directory: string, options: StoreOptions = {}): Promise<DiskStore> {
  let env: Environment | undefined;
  try {
    await mkdir(dirname(directory), { recursive: true, mode: 0o700 });
    if (!isStore(directory)) await makeStore(directory);
    checkFiles(directory);
    env = openEnvironment(directory);
    return new LmdbStore(env, await raiseTerm(env), options);
  } catch (error) {
    void env?.root.close();
    throw await storeFailed(error, directory, 'Opening');
  }
}

/** One life of a store, from its opening to its close or its first unknown commit. */
class LmdbStore implements DiskStore {
  readonly term: number;
  readonly #env: Environment;
  readonly #groups: Groups;
  readonly #backups = new Set<Promise<void>>();
  #closing: Promise<void> | undefined;

  constructor(env: Environment, term: number, options: StoreOptions) {
    this.#env = env;
    this.term = term;
    this.#groups = new Groups(env, options, () => termOf(env) === term);
  }

  get(key: string): Uint8Array | undefined {
    this.#mustBeOpen();
    return getRecord(this.#env.records, key);
  }

  range(range: Range): readonly (readonly [string, Uint8Array])[] {
    this.#mustBeOpen();
    return rangeOfRecords(this.#env.records, range);
  }

  commit(changes: readonly Change[], then: (outcome: Outcome) => void): void {
    const encoded = changes.map(encodeChange);
    if (this.#closing) setImmediate(then, 'unknown');
    else this.#groups.give(() => putRecords(this.#env.records, encoded), then);
  }

  async backup(directory: string): Promise<void> {
    this.#mustBeOpen();
    const copy = this.#copy(directory);
    this.#backups.add(copy);
    try {
      await copy;
    } catch (error) {
      throw await storeFailed(error, directory, 'Writing a backup to');
    } finally {
      this.#backups.delete(copy);
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  async #copy(directory: string): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    if ((await readdir(directory)).length > 0)
      throw new Failed('refused', `The directory ${directory} for a backup is not empty.`);
    await this.#env.root.backup(directory, false);
    await sealStore(directory);
  }

  async #end(): Promise<void> {
    await Promise.allSettled(this.#backups);
    await this.#groups.close();
  }

  #mustBeOpen(): void {
    if (this.#closing) throw new Error(`the store ${this.#env.directory} is closed`);
  }
}
